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
  private let handOver = HandOver()

  /// Finds virsh; nil where there is none but this program itself under that name.
  ///
  /// - Parameter options: What the user gave to us, which virsh is given too.
  init?(_ options: GlobalOptions) {
    guard let path = handOver.virsh else { return nil }
    self.path = path
    self.options = options
  }

  /// The rules by which the shell hands commands over.
  var foreignCommands: ForeignCommands<Client> {
    ForeignCommands(
      longestLine: Virsh.longestLine, canBeNamed: Virsh.canBeNamed,
      check: { shell, commands, isCutShort throws(UsageError) in
        try check(shell, commands, isCutShort: isCutShort)
      },
      run: run,
      help: { shell, topic in
        let answer = capture(shell, ["help", topic])
        guard answer.ending == .exited(0) else { return nil }
        // Our shell ends the command with its own empty line.
        shell.print(String(answer.output.dropLast()), terminator: "")
        return true
      },
      groupLines: { shell, keyword in
        capture(shell, ["help", keyword]).output.split(separator: "\n").map(String.init)
          .filter { $0.hasPrefix("    ") }
      },
      complete: completions,
      hint:
        " All commands of virsh work here too: see 'virsh help', or 'help' with a command's name")
  }

  /// Becomes virsh, for what followed the program's options.
  ///
  /// - Returns: Why that was not possible; else it does not return.
  func replaceUs(_ shell: Shell<Client>, _ words: [String]) -> String {
    let connection = options.uri.map { ["-c", $0] } ?? []
    let child = Child(
      path, connection + globals(of: shell) + ["--"] + words, environment: mark)
    return failure(.notStarted(reason: child.replaceUs()))
  }

  /// Whether a command of virsh may have a name; none need be started to say no to the others.
  private static func canBeNamed(_ name: String) -> Bool {
    name.utf8.count <= 64
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  /// Has virsh parse commands without running them.
  ///
  /// virsh runs nothing of a string that has a mistake anywhere, so one is put behind them.
  private func check(
    _ shell: Shell<Client>, _ commands: [[String]], isCutShort: Bool
  ) throws(UsageError) {
    var seen: Set<[String]> = []
    let cut = isCutShort ? commands.suffix(1) : []
    let whole = commands.dropLast(cut.count).filter { seen.insert($0).inserted }
    let lines = Virsh.lines(of: whole + cut)
    for (index, line) in lines.enumerated() {
      let end =
        isCutShort && index == lines.count - 1
        ? (text: " \"", message: "missing \"") : (text: "; ''", message: "unknown command: ''")
      let answer = capture(shell, ["--", line + end.text])
      let messages = Virsh.messages(in: answer.errors)
      if messages == [end.message] { continue }
      throw UsageError(lines: messages.isEmpty ? [failure(answer.ending)] : messages)
    }
  }

  /// Runs commands with our terminal.
  private func run(
    _ shell: Shell<Client>, _ input: ForeignCommands<Client>.Input
  ) throws -> Bool {
    switch input {
    case .line(let line):
      return try run(shell, words: [line]) ?? false
    case .commands(let commands) where commands.count > 1:
      var isSuccess = true
      for line in Virsh.lines(of: commands) {
        guard let outcome = try run(shell, words: [line]) else { return false }
        isSuccess = outcome
      }
      return isSuccess
    case .commands(let commands):
      let command = commands.first ?? []
      // A single word would be taken apart; with `--` after it, it is not.
      return try run(shell, words: command.count == 1 ? command + ["--"] : command) ?? false
    }
  }

  /// Runs virsh once.
  ///
  /// - Returns: Whether its last command succeeded; nil when the user ended it.
  private func run(_ shell: Shell<Client>, words: [String]) throws -> Bool? {
    // Not with -c: a connection that fails is the failure of the command here.
    let uri = ["VIRSH_DEFAULT_CONNECT_URI": shell.context.uri]
    let child = Child(
      path, globals(of: shell) + ["--"] + words, environment: mark.merging(uri) { $1 })
    let ending = child.run()
    switch ending {
    case .exited(let status):
      return status == 0
    case .killed(by: SIGINT):
      // In a session the user goes on; else ^C is for everything that was to be run.
      if !shell.isInteractive {
        signal(SIGINT, SIG_DFL)
        raise(SIGINT)
      }
      shell.print()
      return nil
    case .killed, .notStarted:
      throw ShellError(failure(ending))
    }
  }

  /// What there is to say of a virsh that did not end by itself, or gave no reason.
  private func failure(_ ending: Child.Ending) -> String {
    switch ending {
    case .exited(let status): "'\(path)' failed with exit status \(status)"
    case .killed(by: let number): "'\(path)' was killed: \(String(cString: strsignal(number)))"
    case .notStarted(let reason): "cannot run '\(path)': \(reason)"
    }
  }

  /// Runs a command and collects what it writes.
  func capture(
    _ shell: Shell<Client>, _ words: [String], within limit: Duration? = nil
  ) -> (ending: Child.Ending, output: String, errors: String) {
    var connection: [String] = []
    if let uri = shell.context.uri { connection += ["-c", uri] }
    if shell.context.isReadOnly { connection.append("-r") }
    // Parsing and help need no connection, and -c would make one.
    let needsConnection = words.contains("complete")
    // What it says is for us: nothing of it belongs into a log, and no debug text into the answer.
    let quiet: [String: String?] = ["VIRSH_DEBUG": nil, "VIRSH_LOG_FILE": nil]
    let child = Child(
      path, (needsConnection ? connection : []) + words,
      environment: mark.merging(quiet) { $1 })
    return child.capture(within: limit)
  }

  /// What every virsh is told of where it comes from.
  private var mark: [String: String?] { [HandOver.variable: handOver.mark(for: path)] }

  /// The global options as they stand now: `connect` may have changed the connection.
  private func globals(of shell: Shell<Client>) -> [String] {
    var words: [String] = []
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

  /// How long a line for virsh may be, in bytes.
  ///
  /// Linux takes up to 128 KiB. But for each word of a line virsh copies all that follows, and keeps
  /// the copies: at that length they would need gigabytes.
  private static let longestLine = 32 << 10

  /// Command lines of commands, each word as it is meant.
  ///
  /// There is more than one where one would be too long; a command is always in one.
  private static func lines(of commands: [[String]]) -> [String] {
    var lines: [String] = []
    for command in commands {
      let text = command.map(Quoting.shell).joined(separator: " ")
      if let last = lines.last, last.utf8.count + text.utf8.count < longestLine {
        lines[lines.count - 1] += "; " + text
      } else {
        lines.append(text)
      }
    }
    return lines
  }

  /// The messages in what virsh writes to standard error.
  private static func messages(in text: String) -> [String] {
    var messages: [String] = []
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for line in lines.last == "" ? lines.dropLast() : lines {
      if line.hasPrefix("error: ") {
        messages.append(String(line.dropFirst("error: ".count)))
      } else if let last = messages.indices.last {
        messages[last] += "\n\(line)"
      }
    }
    return messages
  }
}
