// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What settling found of an operation, or did with it.
package enum Settlement: Sendable, Equatable {
  /// Its copies run, or its client is about to start them.
  case running
  /// Another libvirt host runs it.
  case elsewhere
  /// It was complete and has been finished.
  case finished
  /// Its QEMU ended; it is left for its owner to see.
  case lost
  /// It had failed or its client is dead, and it has been undone.
  case undone
  /// It could be neither finished nor undone, which was told; it is left as it is.
  case failed
}
