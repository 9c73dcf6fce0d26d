// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The mark of a live restore whose domain is defined: it tells whether the data is to move.
enum LiveMark: Equatable {
  /// The data is to move, each disk at so many bytes per second; 0 for no limit.
  case pulling(speed: Int64)
  /// The data stands still until the restore is called again.
  case stopped

  /// The mark as a text.
  var text: String {
    switch self {
    case .pulling(let speed): "pulling \(speed)\n"
    case .stopped: "stopped\n"
    }
  }

  /// Reads a mark; what cannot be read says nothing of a limit.
  init(parsing text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    self =
      words == ["stopped"] ? .stopped : .pulling(speed: words.last.flatMap { Int64($0) } ?? 0)
  }
}

extension LiveRestore {
  /// Notes that the domain is defined, and whether its data is to move.
  func mark(_ pending: Catalog.Pending, _ mark: LiveMark) throws {
    if try repository.contains(pending.mark) {
      if try self.mark(of: pending) != mark {
        try repository.replace(pending.mark, Array(mark.text.utf8))
      }
      return
    }
    do {
      try repository.write(pending.mark, Array(mark.text.utf8))
    } catch let error as BackupError where error.code == .exists {
      // Another client was faster.
      return
    }
  }

  /// Reads the mark of a live restore; without one the data is to move, with no limit.
  func mark(of pending: Catalog.Pending) throws -> LiveMark {
    guard let bytes = try repository.readIfThere(pending.mark, length: 64) else {
      return .pulling(speed: 0)
    }
    return LiveMark(parsing: String(decoding: bytes, as: UTF8.self))
  }
}
