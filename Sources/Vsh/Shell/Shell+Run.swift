// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Shell {
  /// Runs parsed commands in turn; a failure does not stop those after it, `quit` does.
  ///
  /// - Returns: Whether the last command that ran succeeded; true for none.
  package func run(_ steps: [Step<Context>]) -> Bool {
    var isSuccess = true
    for step in steps {
      isSuccess = run(step)
      if isQuitting {
        break
      }
    }
    return isSuccess
  }

  /// Parses and runs a command line.
  ///
  /// - Returns: Whether the line could be parsed and its last command succeeded.
  @discardableResult
  package func run(line: String) -> Bool {
    do {
      return run(try parse(line: line))
    } catch {
      report(error)
      return false
    }
  }

  /// Runs the lines that a user types, until `quit` or the end of the input.
  ///
  /// - Parameters:
  ///   - welcome: What is printed first, if not `-q`.
  ///   - readLine: Asks for a line; nil at the end of the input.
  package func interact(welcome: String, readLine: () -> String?) {
    isInteractive = true
    printExtra(welcome)
    while !isQuitting, let line = readLine() {
      if !line.isEmpty {
        run(line: line)
      }
    }
    // The line of the last prompt, or of `quit`, is still open.
    print()
  }

  private func run(_ step: Step<Context>) -> Bool {
    switch step {
    case .foreign(let input):
      guard let foreign else { return false }
      let start = ContinuousClock.now
      output.flush()
      do {
        return try foreign.run(self, input)
      } catch {
        report(error)
        printTrailer(took: .now - start)
        return false
      }
    case .command(let command, let arguments):
      runningCommand = command.name
      let start = ContinuousClock.now
      let isSuccess = reporting {
        if command.needsConnection {
          try connect(self)
        }
        // Only now, as virsh does: a line with several commands runs the others all the same.
        try command.check(arguments)
        return try command.handler(self, arguments)
      }
      if !isQuitting {
        printTrailer(took: .now - start)
      }
      return isSuccess
    }
  }

  private func reporting(_ work: () throws -> Bool) -> Bool {
    do {
      return try work()
    } catch {
      explain(self)
      report(error)
      return false
    }
  }

  private func printTrailer(took duration: Duration) {
    if isTimed {
      let milliseconds = duration / .milliseconds(1)
      print("\n(Time: \(Decimal.text(milliseconds, decimals: 3)) ms)\n")
    } else {
      printExtra("")
    }
  }
}
