// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Tells how far the reading of several volumes has come, and ends it when its time is over.
package final class ReadProgress {
  private let observer: any Observer
  private let deadline: ContinuousClock.Instant?
  private let total: UInt64
  private var read: UInt64 = 0

  /// Begins to read volumes.
  ///
  /// - Parameters:
  ///   - volumes: The volumes.
  ///   - context: Whose pool they are in; its observer is told.
  ///   - deadline: When to give up; nil for never.
  package init(
    _ volumes: [String], in context: Context, deadline: ContinuousClock.Instant? = nil
  ) {
    observer = context.observer
    self.deadline = deadline
    total = volumes.reduce(0) { $0 + ((try? context.repository.length(of: $1)) ?? 0) }
  }

  /// Takes note of how much of the present volume was read.
  ///
  /// - Throws: ``BackupError`` with code `interrupted` or `timedOut` where it is time to stop.
  package func note(_ bytes: UInt64) throws {
    if observer.isInterrupted { throw BackupError.interrupted }
    if let deadline, ContinuousClock.now >= deadline { throw BackupError.timedOut }
    observer.progress([
      .init(disk: "checksums", done: read + bytes, total: max(total, read + bytes))
    ])
  }

  /// Takes note that a volume was read to its end.
  package func finish(_ bytes: UInt64) { read += bytes }
}
