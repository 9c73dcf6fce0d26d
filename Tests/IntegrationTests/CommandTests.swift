// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Running programs.
struct CommandTests {
  @Test
  func `a command's ending, output and memory are told`() throws {
    let result = try Command.run(
      "bash", ["-c", "cat; echo $X; pwd; echo bad >&2; exit 3"], environment: ["X": "y"],
      input: Array("in\n".utf8), directory: "/usr")
    #expect(result.ending == .exited(3))
    #expect(result.stdout == "in\ny\n/usr\n")
    #expect(result.stderr == "bad\n")
    #expect(result.peakMemory > 500)
    #expect(throws: CommandError.self) { try result.expectSuccess() }
  }

  @Test
  func `a command that does not end is killed`() throws {
    #expect(throws: CommandError.self) {
      try Command.run("sleep", ["60"], timeout: .milliseconds(200))
    }
    let running = try Command.start("sleep", ["60"])
    running.signal(9)
    #expect(try running.wait().ending == .signalled(9))
  }

  @Test
  func `much input and output pass through`() throws {
    let bytes = [UInt8](repeating: 7, count: 3_000_000)
    #expect(try Command.run("cat", input: bytes).output == bytes)
    #expect(try Command.run("true", input: bytes).status == 0)
  }

  @Test
  func `a program that does not exist is an error`() {
    #expect(throws: CommandError.self) { try Command.run("no-such-program-here") }
  }

  @Test(arguments: LibvirtMode.available)
  func `the program under test runs as the daemon's user`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let result = try Program.run(libvirt, ["--version"])
    // A shell and its kin say so when they cannot run a program, or cannot find its libraries.
    #expect([126, 127].contains(result.status) == false, "\(result)")
  }
}
