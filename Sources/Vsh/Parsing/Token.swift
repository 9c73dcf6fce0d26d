// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a command line is made of.
package enum Token: Sendable, Equatable {
  /// A word, without its quotes.
  case word(String)
  /// The end of a command that another may follow.
  case separator
  /// The end of the line.
  case end
}
