// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Closes a file descriptor of ours.
package func closeDescriptor(_ descriptor: Int32) {
  _ = Glibc.close(descriptor)
}
