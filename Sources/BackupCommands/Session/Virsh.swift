// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Vsh

/// The installed virsh, which runs every command that is not ours.
struct Virsh {
  private let path: String
  private let options: GlobalOptions

  /// Finds virsh; nil where there is none but this program itself under that name.
  ///
  /// - Parameter options: What the user gave to us, which virsh is given too.
  init?(_ options: GlobalOptions) {
    let directories = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    let candidates = directories.split(separator: ":").map { "\($0)/virsh" }
    guard
      let path = candidates.first(where: {
        access($0, X_OK) == 0 && !Virsh.isSameFile($0, "/proc/self/exe")
      })
    else { return nil }
    self.path = path
    self.options = options
  }

  private static func isSameFile(_ first: String, _ second: String) -> Bool {
    var one = stat()
    var other = stat()
    return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_ino == other.st_ino
      && one.st_dev == other.st_dev
  }

  /// The rules by which the shell hands commands over.
  var foreignCommands: ForeignCommands<Client> {
    ForeignCommands(
      accept: { shell, words throws(UsageError) in
        try check(shell, words)
        return { shell in run(shell, words) }
      },
      help: { shell, topic in
        let answer = capture(shell, ["help", topic])
        guard answer.status == 0 else { return nil }
        // Our shell ends the command with its own empty line.
        shell.print(String(answer.output.dropLast()), terminator: "")
        return true
      },
      complete: completions,
      hint:
        " All commands of virsh work here too: see 'virsh help', or 'help' with a command's name")
  }

  /// Has virsh parse a command without running it.
  private func check(_ shell: Shell<Client>, _ words: [String]) throws(UsageError) {
    guard let name = words.first else { return }
    let answer = capture(shell, [name, "--help"] + words.dropFirst())
    guard answer.status != 0 else { return }
    let lines = answer.errors.split(separator: "\n").map { line in
      line.hasPrefix("error: ") ? String(line.dropFirst("error: ".count)) : String(line)
    }
    throw UsageError(lines: lines)
  }

  /// Runs a command with our terminal.
  private func run(_ shell: Shell<Client>, _ words: [String]) -> Bool {
    shell.output.flush()
    let child = Child(path, globals(of: shell) + words)
    return child.run() == 0
  }

  /// Runs a command and collects what it writes.
  func capture(
    _ shell: Shell<Client>, _ words: [String], within limit: Duration? = nil
  ) -> (status: Int32, output: String, errors: String) {
    var connection: [String] = []
    if let uri = shell.context.uri { connection += ["-c", uri] }
    if shell.context.isReadOnly { connection.append("-r") }
    // Parsing and help need no connection, and -c would make one.
    let needsConnection = words.contains("complete")
    let child = Child(path, (needsConnection ? connection : []) + words)
    return child.capture(within: limit)
  }

  /// The global options as they stand now: `connect` may have changed the connection.
  private func globals(of shell: Shell<Client>) -> [String] {
    var words: [String] = []
    if let uri = shell.context.uri { words += ["-c", uri] }
    if shell.context.isReadOnly { words.append("-r") }
    if shell.isQuiet { words.append("-q") }
    if shell.isTimed { words.append("-t") }
    if let level = options.debugLevel { words += ["-d", String(level.rawValue)] }
    if let log = options.logFile { words += ["-l", log] }
    if let escape = options.escape { words += ["-e", escape] }
    if let interval = options.keepaliveInterval { words += ["-k", String(interval)] }
    if let count = options.keepaliveCount { words += ["-K", String(count)] }
    return words
  }
}
