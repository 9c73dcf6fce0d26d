// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a connection was closed from the other side (`virConnectCloseReason`).
package enum CloseReason: Int32, Sendable {
  /// The conversation failed.
  case error
  /// The daemon closed the connection.
  case endOfFile
  /// The daemon did not answer keepalive messages.
  case keepalive
  /// This client asked for it.
  case client
}

/// The end of a connection: at most one event.
package typealias CloseEventQueue = EventQueue<CloseReason>
