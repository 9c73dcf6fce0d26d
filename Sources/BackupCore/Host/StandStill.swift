// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Stands still for a moment (`usleep`).
package func standStill(milliseconds: UInt32) {
  usleep(milliseconds * 1000)
}
