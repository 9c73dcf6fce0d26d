// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@testable import BackupCommands

@Suite struct CommandTableTests {
  static let commands = Program.table.commands.filter { !$0.isHidden }.map(\.name)

  @Test func `the table has no problems`() {
    #expect(Program.table.problems == [])
  }

  @Test(arguments: commands) func `help is what was recorded`(command: String) throws {
    let shell = try CommandShell()
    #expect(shell.run("help \(command)"))
    #expect(try Project.golden("\(command).txt", current: shell.out) == shell.out)
    #expect(shell.err == "")
  }

  @Test func `the list of our commands is what was recorded`() throws {
    let shell = try CommandShell()
    #expect(shell.run("help backup"))
    #expect(try Project.golden("group-backup.txt", current: shell.out) == shell.out)
  }
}
