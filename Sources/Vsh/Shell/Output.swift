// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency private import Glibc

/// Where a shell writes to.
package struct Output {
  /// Writes to standard output.
  package var write: (String) -> Void
  /// Writes to standard error.
  package var writeError: (String) -> Void
  /// Sends what standard output still holds back.
  package var flush: () -> Void

  /// Makes an output of three functions.
  package init(
    write: @escaping (String) -> Void, writeError: @escaping (String) -> Void,
    flush: @escaping () -> Void = {}
  ) {
    self.write = write
    self.writeError = writeError
    self.flush = flush
  }

  /// The process's own output: C's streams, which readline shares.
  package static var standard: Output {
    Output(
      write: { text in Self.put(text, to: stdout) },
      writeError: { text in
        Self.put(text, to: stderr)
        fflush(stderr)
      },
      flush: { _ = fflush(stdout) })
  }

  private static func put(_ text: String, to stream: UnsafeMutablePointer<FILE>?) {
    guard let stream else { return }
    text.withRawBytes { bytes in
      _ = fwrite(bytes.baseAddress, 1, bytes.count, stream)
    }
  }
}
