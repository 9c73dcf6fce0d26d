// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What `make install` puts where, and whether shells and man can use it.
@Suite struct InstallationTests {
  private static func has(_ program: String) -> Bool {
    (try? Command.run("sh", ["-c", "command -v \(program)"]))?.ending == .exited(0)
  }

  /// A directory for the time of a test.
  private func withDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let path = "\(FileManager.default.temporaryDirectory.path)/virsh-backup-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private func files(in directory: String) throws -> [String] {
    try Command.run("find", [".", "-type", "f", "-printf", "%M %P\n"], directory: directory)
      .expectSuccess().stdout.split(separator: "\n").map(String.init).sorted()
  }

  @Test func `make install and make uninstall`() throws {
    try withDirectory { directory in
      func make(_ target: String) throws {
        try Command.run(
          "make",
          [
            "-C", Project.directory, target, "PROGRAM=\(TestSupport.Program.path)",
            "DESTDIR=\(directory)", "PREFIX=/opt/x",
          ], environment: ["MAKEFLAGS": ""]
        ).expectSuccess()
      }
      try make("install")
      #expect(
        try files(in: directory) == [
          "-rw-r--r-- opt/x/share/bash-completion/completions/virsh-backup",
          "-rw-r--r-- opt/x/share/fish/vendor_completions.d/virsh-backup.fish",
          "-rw-r--r-- opt/x/share/man/man1/virsh-backup.1",
          "-rw-r--r-- opt/x/share/zsh/site-functions/_virsh-backup",
          "-rwxr-xr-x opt/x/bin/virsh-backup",
        ])
      try make("uninstall")
      #expect(try files(in: directory) == [])
    }
  }

  @Test(.enabled(if: has("man")), arguments: [70, 80, 100, 132])
  func `man has nothing to warn of`(width: Int) throws {
    let result = try Command.run(
      "man", ["--warnings", "-l", "\(Project.directory)/man/virsh-backup.1"],
      environment: ["LC_ALL": "C.UTF-8", "MANWIDTH": "\(width)"]
    ).expectSuccess()
    #expect(result.stderr == "")
    #expect(result.stdout.contains("backup-create"))
  }

  // MARK: - Completion

  /// What a shell is asked, and what it must answer on a host with domains `web 1` and `web2`.
  static let questions: [(line: String, answers: [String])] = [
    ("virsh-backup backup-c", ["backup-create"]),
    ("virsh-backup backup-create --fu", ["--full"]),
    ("virsh-backup backup-info web", ["web 1", "web2"]),
    (#"virsh-backup backup-info web\ "#, ["web 1"]),
    (#"virsh-backup backup-create web\ 1 --inc"#, ["--incremental"]),
    ("virsh-backup -q --readonly -d 4 backup-info web2 --x", ["--xml"]),
    ("virsh-backup backup-list --pool back", ["backups"]),
  ]

  /// Runs a script with our program first in the path, on that host.
  private func complete(_ shell: String, _ script: String) throws -> [String] {
    try withDirectory { directory in
      func domain(_ name: String) -> String {
        "<domain type='test'><name>\(name)</name><memory>8192</memory><os><type>hvm</type></os>"
          + "</domain>"
      }
      let node =
        "<node>\(domain("web 1"))\(domain("web2"))<pool type='dir'><name>backups</name>"
        + "<target><path>\(directory)</path></target></pool></node>"
      try Data(node.utf8).write(to: URL(filePath: "\(directory)/node.xml"))
      let path = URL(filePath: TestSupport.Program.path).deletingLastPathComponent().path
      return try Command.run(
        shell, ["-c", script],
        environment: [
          "PATH": "\(path):/usr/local/bin:/usr/bin:/bin", "HOME": directory,
          "XDG_CONFIG_HOME": directory, "XDG_DATA_HOME": directory, "LC_ALL": "C.UTF-8",
          "VIRSH_DEFAULT_CONNECT_URI": "test://\(directory)/node.xml",
        ]
      ).expectSuccess().stdout.split(separator: "\n").map(String.init).sorted()
    }
  }

  @Test(arguments: questions) func `bash completes`(line: String, answers: [String]) throws {
    let script = """
      set -u
      source '\(Project.directory)/completions/virsh-backup'
      COMP_LINE='\(line)'
      COMP_POINT=${#COMP_LINE}
      _virsh_backup virsh-backup '' ''
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    #expect(try complete("bash", script) == answers)
  }

  @Test(.enabled(if: has("fish")), arguments: questions)
  func `fish completes`(line: String, answers: [String]) throws {
    let script = """
      source '\(Project.directory)/completions/virsh-backup.fish'
      complete -C '\(line.replacing("\\", with: "\\\\"))'
      """
    #expect(try complete("fish", script) == answers)
  }

  @Test(.enabled(if: has("zsh")), arguments: questions)
  func `zsh completes`(line: String, answers: [String]) throws {
    // The function as it is, in an interactive shell of its own that prints what would be added.
    let script = """
      zmodload zsh/zpty
      zpty -b inner 'zsh -f -i'
      zpty -w inner "PROMPT= RPS1= ; unsetopt zle_bracketed_paste; stty -echo cols 1000
      fpath=('\(Project.directory)/completions' \\$fpath)
      autoload -Uz compinit; compinit -u -d $HOME/dump
      compadd() { print -rl -- ANSWER=\\${^@[2,-1]} >> $HOME/answers; builtin compadd \\"\\$@\\" }
      print RE''ADY"
      zpty -r -m inner out '*READY*'
      zpty -n -w inner '\(line)'$'\\t'
      for turn in {1..100}; do
        [[ -s $HOME/answers ]] && break
        sleep 0.1
      done
      sleep 0.2
      zpty -d inner
      sed -n 's/^ANSWER=//p' $HOME/answers
      """
    #expect(try complete("zsh", script) == answers)
  }

  @Test(arguments: ["bash", "zsh", "fish"].filter(has))
  func `the completion is a script the shell accepts`(shell: String) throws {
    let names = ["bash": "virsh-backup", "zsh": "_virsh-backup", "fish": "virsh-backup.fish"]
    let name = try #require(names[shell])
    let result = try Command.run(shell, ["-n", "\(Project.directory)/completions/\(name)"])
      .expectSuccess()
    #expect(result.stderr == "")
  }
}
