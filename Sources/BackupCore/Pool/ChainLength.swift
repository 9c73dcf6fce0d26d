// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// How many backups may stand on each other, counted for one disk with its full.
package enum ChainLength {
  /// From here on the user is told: each read of the newest passes all of them, and each needs a file
  /// open.
  package static let comfortable = 60
  /// A chain of this length is not continued: libvirt itself, and tools that go by it, read no more
  /// than 200 images, and a disk that is restored while its domain runs has some of its own.
  package static let longest = 150
  /// As many a domain's own disk may have with every libvirt: one whose JSON parser stops at a depth
  /// of 32 cannot start it with more than 25.
  package static let anywhere = 20
}
