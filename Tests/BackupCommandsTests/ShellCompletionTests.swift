// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Tab in the user's shell.
@Suite struct ShellCompletionTests {
  private static let shells = InteractiveShell.Kind.allCases.filter(\.isInstalled)
  private let host: CommandShell
  private let other: CommandShell
  private let prefix: String

  init() throws {
    host = try CommandShell(domains: ["web 1", "db", "say \"x\"", "a@b=c"])
    try host.addBackup("monday", sequence: 1)
    try host.addBackup("tuesday", sequence: 2)
    other = try CommandShell(domains: ["elsewhere"])
    prefix = "\(host.directory)/installed"
    try Command.run(
      "make",
      [
        "-C", Project.directory, "install", "PROGRAM=\(TestSupport.Program.path)", "DESTDIR=",
        "PREFIX=\(prefix)",
      ], environment: ["MAKEFLAGS": ""]
    ).expectSuccess()
  }

  /// Presses Tab behind each line, and compares what stands there then.
  private func expect(
    _ shell: InteractiveShell.Kind, settings: String = "",
    _ cases: KeyValuePairs<String, String>, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let session = try InteractiveShell(
      shell, prefix: prefix, home: "\(host.directory)/home", uri: host.uri, settings: settings)
    for (line, added) in cases {
      let shown = try session.complete(line)
      #expect(shown == line + added, sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: shells)
  func `commands, options and values are completed`(shell: InteractiveShell.Kind) throws {
    try expect(
      shell,
      [
        "virsh-backup backup-c": "reate ", "virsh-backup backup-create --fu": "ll ",
        "virsh-backup backup-info d": "b ", "virsh-backup backup-info web\\ ": "1 ",
        "virsh-backup backup-info \"web ": "1\" ", "virsh-backup backup-info 'web ": "1' ",
        "virsh-backup backup-info say": "\\ \\\"x\\\" ",
        "virsh-backup backup-info a@b": "=c ", "virsh-backup backup-info a@b=": "c ",
        "virsh-backup backup-info --domain=d": "b ", "virsh-backup backup-info web1 m": "onday ",
        "virsh-backup backup-delete web1 --backupname t": "uesday ",
        "virsh-backup backup-list --pool b": "ackups ",
        "virsh-backup backup-list --pool=b": "ackups ",
        "virsh-backup backup-restore web1 --diskspec vda,driver=q": "cow2 ",
        "virsh-backup backup-info nosuch mon": "",
      ])
  }

  @Test(arguments: shells)
  func `virsh's commands are completed`(shell: InteractiveShell.Kind) throws {
    try expect(
      shell,
      [
        "virsh-backup dominf": "o ", "virsh-backup list --na": "me ",
        "virsh-backup dominfo d": "b ",
        "virsh-backup dominfo web\\ ": "1 ", "virsh-backup vol-list --pool ba": "ckups ",
      ])
  }

  @Test(arguments: shells)
  func `options before the command are taken into account`(
    shell: InteractiveShell.Kind
  ) throws {
    try expect(
      shell,
      [
        "virsh-backup -q backup-info d": "b ",
        "virsh-backup -q -r -t -d 4 -l /dev/null -k 1 -K 2 -e ^a -- backup-info web1 --x": "ml ",
        "virsh-backup -c \(other.uri) backup-info e": "lsewhere ",
        "virsh-backup -c '\(other.uri)' -q dominfo e": "lsewhere ",
        "virsh-backup -r --connect=\(other.uri) backup-info e": "lsewhere ",
        "virsh-backup --connect \(other.uri) --readonly dominfo e": "lsewhere ",
        "virsh-backup -c\(other.uri) backup-info e": "lsewhere ",
        "virsh-backup -q back": "up-",
      ])
  }

  @Test(arguments: shells)
  func `names of files are completed where there is nothing else`(
    shell: InteractiveShell.Kind
  ) throws {
    let directory = host.directory
    try expect(
      shell,
      [
        "virsh-backup -l \(directory)/no": "de.xml ",
        "virsh-backup backup-restore web1 --diskspec vda,file=\(directory)/no": "de.xml ",
        "virsh-backup backup-list --pool \(directory)/back": "ups/",
        "virsh-backup backup-list --pool=\(directory)/back": "ups/",
      ])
  }

  /// fish brings a completion of virsh, unless the user has another.
  private static let inPlaceOfFishsOwn = """
    mkdir -p ~/.config/fish/completions
    echo complete -c virsh -w virsh-backup >~/.config/fish/completions/virsh.fish

    """

  /// What the manual tells a user to write for an alias and for a function named `virsh`.
  private static let wishes: [(shell: InteractiveShell.Kind, alias: String, function: String)] = [
    (
      .bash,
      """
      source $PREFIX/share/bash-completion/completions/virsh-backup
      alias virsh='virsh-backup -q'
      complete -o default -F _virsh_backup virsh
      """,
      """
      source $PREFIX/share/bash-completion/completions/virsh-backup
      virsh() { virsh-backup "$@"; }
      complete -o default -F _virsh_backup virsh
      """
    ),
    (
      .zsh, "alias virsh='virsh-backup -q'",
      "virsh() { virsh-backup \"$@\" }\ncompdef _virsh-backup virsh"
    ),
    (
      .fish, "alias virsh 'virsh-backup -q'\n" + inPlaceOfFishsOwn,
      "function virsh\n  virsh-backup $argv\nend\n" + inPlaceOfFishsOwn
    ),
  ]

  @Test(arguments: shells)
  func `virsh is completed like us where it is made to run us`(
    shell: InteractiveShell.Kind
  ) throws {
    let wish = try #require(Self.wishes.first { $0.shell == shell })
    for settings in [wish.alias, wish.function] {
      try expect(
        shell, settings: settings,
        [
          "virsh backup-c": "reate ", "virsh dominf": "o ", "virsh -r backup-info d": "b ",
          "virsh -c \(other.uri) backup-info e": "lsewhere ", "virsh list --na": "me ",
          "virsh-backup backup-c": "reate ",
        ])
    }
  }

  @Test(.enabled(if: InteractiveShell.Kind.bash.isInstalled))
  func `virsh is left alone where nobody wants otherwise`() throws {
    let settings = "source $PREFIX/share/bash-completion/completions/virsh-backup\n"
    try expect(.bash, settings: settings, ["virsh backup-c": "", "virsh dominf": "o "])
  }
}
