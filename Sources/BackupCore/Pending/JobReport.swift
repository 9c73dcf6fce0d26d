// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// An operation under way, for those who ask.
package struct JobReport: Sendable, Equatable {
  /// UUID of the operation.
  package var uuid: String
  /// Name of the domain.
  package var domain: String
  /// `create`, `restore`, `live`, `delete`, `nbd`, `verify`.
  package var operation: String
  /// Name of the point.
  package var name: String
  /// `running`, `running on HOST`, `failed` for a session whose QEMU has ended or that has lost the
  /// instant of its start, and for what can be neither finished nor undone, `stopped` or `shut off`
  /// for a live restore whose data does not move.
  package var state: String
  /// Seconds since 1970-01-01T00:00:00Z when it began.
  package var started: Int64
  /// How far each disk is; empty for a session.
  package var disks: [DiskProgress]
  /// The exports of an NBD session; nil for another operation, or where nothing can be read.
  package var session: SessionReport?
  /// Why an NBD session has lost the instant of its start; nil where it has not.
  package var damage: String?
}

extension JobReport {
  /// Tells of an operation in a state.
  package init(of partial: Partial, state: String, disks: [DiskProgress] = []) {
    self.init(
      uuid: partial.uuid, domain: partial.domainName, operation: partial.operation.name,
      name: partial.pointName, state: state,
      started: partial.creationTime, disks: disks, session: nil)
  }

  /// Tells of an operation that runs, unless settling found that its QEMU has ended.
  package init(of partial: Partial, settled: Settlement?) {
    self.init(of: partial, state: settled == .lost ? "failed" : "running")
  }
}
