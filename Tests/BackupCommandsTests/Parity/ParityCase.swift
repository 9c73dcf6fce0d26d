// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The same for virsh and for our program.
///
/// `@DIR` in a word, an input or a variable is a new empty directory.
struct ParityCase: Sendable, CustomStringConvertible {
  /// What must be the same.
  enum Expectation: Sendable, Equatable {
    /// Standard output, standard error, the log and the exit status.
    case same
    /// The same, but standard output and standard error in one, in order.
    case sameInOne
    /// Nothing: this is ours, and virsh's is something else.
    case ours(output: String = "", errors: String = "", status: Int32 = 0)
  }

  /// The program's options.
  var options: [String] = []
  /// What follows them; nothing for a session.
  var words: [String] = []
  /// A shell's script that runs the program, `$0`, in place of the options and words.
  var script: String?
  /// What is read from standard input.
  var input = ""
  /// Variables.
  var environment: [String: String] = [:]
  /// What must be the same.
  var expectation = Expectation.same
  /// Why something need not be.
  var exception: ParityException?

  /// The program's options, and what follows them.
  var arguments: [String] { options + words }

  /// One command line, as typed; in a session when `words` is empty.
  var description: String {
    let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)='\($0.value)' " }
    if let script { return variables.joined() + script }
    let text = variables.joined() + arguments.map { "'\($0)'" }.joined(separator: " ")
    return input.isEmpty ? text : "\(text) < '\(input)'"
  }

  /// A case of one command string.
  static func string(_ line: String) -> ParityCase { ParityCase(words: [line]) }

  /// A case of a command's words.
  static func words(_ words: String...) -> ParityCase { ParityCase(words: words) }

  /// A case of the program's options and a command's words.
  static func options(_ options: [String], _ words: String...) -> ParityCase {
    ParityCase(options: options, words: words)
  }

  /// A case of a script, for bytes that are no text.
  static func script(_ script: String) -> ParityCase { ParityCase(script: script) }

  /// A case of a session.
  static func session(_ input: String) -> ParityCase { ParityCase(input: input) }

  /// A case of a session of the program with options.
  static func session(_ options: [String], _ input: String) -> ParityCase {
    ParityCase(options: options, input: input)
  }

  /// A case in which variables are set.
  static func environment(_ environment: [String: String], _ arguments: String...) -> ParityCase {
    ParityCase(words: arguments, environment: environment)
  }

  /// The same case, but for the difference between the two streams.
  func inOne(_ exception: ParityException) -> ParityCase {
    var copy = self
    copy.expectation = .sameInOne
    copy.exception = exception
    return copy
  }

  /// The same case, of which virsh makes something else than we do.
  func ours(
    _ exception: ParityException, output: String = "", errors: String = "", status: Int32 = 0
  ) -> ParityCase {
    var copy = self
    copy.expectation = .ours(output: output, errors: errors, status: status)
    copy.exception = exception
    return copy
  }
}
