// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Vsh

extension Program {
  /// Reads the program's options, and what the environment says instead of some of them.
  ///
  /// - Parameters:
  ///   - arguments: The command line, the program's name first.
  ///   - name: The name of the program, for the log.
  ///   - output: Where mistakes are told.
  /// - Returns: The options and the log; nil after a mistake.
  static func options(
    in arguments: [String], name: String, output: Output
  ) -> (GlobalOptions, LogFile?)? {
    var log: LogFile?
    func open(_ path: String) -> Bool {
      log = LogFile(path: path, programName: name)
      return log != nil
    }
    func tell(_ message: String) {
      log?.write(.error, message)
      output.flush()
      output.writeError("error: \(message)\n")
    }
    let levelProblem = "VIRSH_DEBUG not set with a valid numeric value"
    let levelText = getenv("VIRSH_DEBUG").map { String(cString: $0) }
    let level = levelText.flatMap(LogLevel.init(text:))
    let isLevelBad = levelText != nil && level == nil
    if isLevelBad {
      tell(levelProblem)
      // It has been told: no virsh need do so again.
      unsetenv("VIRSH_DEBUG")
    }
    do throws(UsageError) {
      if let path = environment("VIRSH_LOG_FILE"), !open(path) {
        throw GlobalOptions.cannotOpenLog
      }
      var options = try GlobalOptions.parse(
        Array(arguments.dropFirst()), openLog: open, warn: tell)
      if isLevelBad, (options.debugLevel ?? .error) == .error {
        // virsh tells it again, when it has a log.
        log?.write(.error, levelProblem)
      }
      if options.debugLevel == nil {
        options.debugLevel = level
      } else {
        // virsh takes -d 4 for no option.
        unsetenv("VIRSH_DEBUG")
      }
      return (options, log)
    } catch {
      for line in error.lines { tell(line) }
      return nil
    }
  }
}
