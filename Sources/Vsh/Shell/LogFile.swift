// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

/// The file that `-l` names: every error, and what `-d` asks for.
package final class LogFile {
  private let descriptor: Int32
  private let programName: String

  /// Opens a file to append to it, and makes it where there is none; nil when that fails.
  package init?(path: String, programName: String) {
    descriptor = path.withRawCString { open($0, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644) }
    self.programName = programName
    if descriptor < 0 {
      return nil
    }
  }

  deinit {
    close(descriptor)
  }

  /// Adds a line.
  package func write(_ level: LogLevel, _ message: String) {
    let time = Timestamp.local(seconds: Int64(time(nil)), format: "%Y.%m.%d %H:%M:%S")
    let line = "[\(time) \(programName) \(getpid())] \(level.label) \(message)\n"
    line.withRawBytes { bytes in
      // One call for a line, so that two programs can share a log.
      _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    }
  }
}
