// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A change of a block job of libvirt's (`VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2`).
package struct BlockJobEvent: Sendable, Equatable {
  /// What became of a job (`virConnectDomainEventBlockJobStatus`).
  package enum Status: Int32, Sendable {
    /// It did all it had to.
    case completed
    /// It failed.
    case failed
    /// It was cancelled.
    case canceled
    /// It has copied everything and goes on with what changes.
    case ready
  }

  /// The target name of the disk, `vda`.
  package var disk: String
  /// What became of the job; nil for something this version does not know.
  package var status: Status?

  /// Makes an event.
  package init(disk: String, status: Status?) {
    self.disk = disk
    self.status = status
  }
}

/// Changes of a domain's block jobs.
package typealias BlockJobEventQueue = EventQueue<BlockJobEvent>
