// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// The two kinds of daemon a test can ask for.
package enum LibvirtMode: String, CaseIterable, Sendable {
  /// A daemon of an unprivileged user; QEMU runs as that user.
  case session
  /// A privileged daemon in a mount namespace; QEMU runs as another user than the daemon.
  case system

  /// The modes this process can have: both for root, else the session alone.
  package static var available: [LibvirtMode] { getuid() == 0 ? [.session, .system] : [.session] }
}
