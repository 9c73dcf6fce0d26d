// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The result of settling one operation: left alone, finished or undone.
package enum Settlement: Sendable, Equatable {
  /// Its copies run, or its client is about to start them.
  case running
  /// Another libvirt host runs it.
  case elsewhere
  /// The operation was complete and has been finished.
  case finished
  /// Its QEMU ended; it is left for its owner to see.
  case lost
  /// The operation had failed, or its client is dead; it has been undone.
  case undone
  /// The operation could be neither finished nor undone, which was told; it is left as it is.
  case failed
}
