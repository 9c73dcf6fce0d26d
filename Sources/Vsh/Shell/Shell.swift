// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A shell in the manner of virsh: a table of commands, and everything that parses, runs, explains
/// and completes them.
///
/// It knows nothing of what the commands work on; that is in the context, which the program that
/// builds the shell supplies. All of it belongs to one thread.
package final class Shell<Context> {
  /// The name of the program, as the user called it.
  package let programName: String
  /// The commands.
  package let table: CommandTable<Context>
  /// What the handlers work on.
  package let context: Context
  /// Where the shell writes to.
  package var output: Output
  /// Whether everything is left out that is not the result of a command (`-q`).
  package var isQuiet = false
  /// Whether each command is followed by the time it took (`-t`).
  package var isTimed = false
  /// Messages that matter less are not shown (`-d`).
  package var debugLevel = LogLevel.error
  /// The log (`-l`).
  package var log: LogFile?
  /// Whether commands are read from a prompt.
  package var isInteractive = false
  /// Connects before a command that needs it; a failure is the command's failure.
  package var connect: (Shell<Context>) throws -> Void = { _ in }
  /// Says what else is known before a command's error is printed.
  package var explain: (Shell<Context>) -> Void = { _ in }
  /// What is done with commands that are not in the table; nil: they do not exist.
  package var foreign: ForeignCommands<Context>?

  /// The name of the command that runs, or ran last.
  package internal(set) var runningCommand = ""
  /// Whether `quit` was given.
  private(set) package var isQuitting = false

  /// Makes a shell.
  ///
  /// - Parameters:
  ///   - programName: The name of the program, as the user called it.
  ///   - table: The commands.
  ///   - context: What the handlers work on.
  ///   - output: Where the shell writes to.
  package init(
    programName: String, table: CommandTable<Context>, context: Context, output: Output
  ) {
    self.programName = programName
    self.table = table
    self.context = context
    self.output = output
  }

  /// Stops after the command that is running.
  package func quit() {
    isQuitting = true
  }

  // MARK: - Printing

  /// Prints a result, a newline after it.
  package func print(_ text: String = "", terminator: String = "\n") {
    output.write(text + terminator)
  }

  /// Prints what only people care about; nothing with `-q`.
  package func printExtra(_ text: String, terminator: String = "\n") {
    if !isQuiet {
      output.write(text.printable + terminator)
    }
  }

  /// Prints on standard error what is no error; nothing with `-q`.
  package func printNotice(_ text: String) {
    if !isQuiet {
      output.flush()
      output.writeError(text.printable + "\n")
    }
  }

  /// Prints an error message, each of its lines marked as one.
  package func error(_ message: String) {
    let message = message.printable
    log?.write(.error, message)
    output.flush()
    output.writeError("error: \(message)\n")
  }

  /// Prints the messages of an error, one line each, and the next step.
  package func report(_ error: any Error) {
    for line in ShellError.lines(of: error) {
      self.error(line)
    }
    for hint in (error as? ShellError)?.hints ?? [] { printNotice(hint) }
  }

  /// Tells who asked with `-d` what is going on.
  ///
  /// The text goes to standard error, as in newer versions of virsh: in standard output it would
  /// spoil the result for programs.
  package func debug(_ level: LogLevel, _ message: @autoclosure () -> String) {
    guard level >= debugLevel else { return }
    let message = message()
    log?.write(level, message)
    output.flush()
    output.writeError("\(message)\n")
  }
}
