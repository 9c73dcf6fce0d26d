// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// What a libvirt job of a domain does (`virDomainJobOperation`).
  package enum JobOperation: Int32, Sendable {
    /// Libvirt does not say.
    case unknown
    /// The domain is being started.
    case start
    /// It is being saved.
    case save
    /// It is being restored from a save image.
    case restore
    /// It comes from another host.
    case migrationIn
    /// It goes to another host.
    case migrationOut
    /// A snapshot is being taken.
    case snapshot
    /// It is being reverted to a snapshot.
    case snapshotRevert
    /// Its memory is being dumped.
    case dump
    /// Its disks are being backed up.
    case backup
    /// A snapshot is being deleted.
    case snapshotDelete
  }

  /// What the libvirt job that the domain has does; unknown without one.
  ///
  /// The corresponding libvirt function is `virDomainGetJobStats`.
  package var jobOperation: JobOperation {
    get throws(LibvirtError) {
      var type: Int32 = 0
      var parameters: virTypedParameterPtr?
      var count: Int32 = 0
      try checking("virDomainGetJobStats", detail: name) {
        unsafe virDomainGetJobStats(handle, &type, &parameters, &count, 0)
      }
      defer { unsafe virTypedParamsFree(parameters, count) }
      var operation: Int32 = 0
      let found = unsafe virTypedParamsGetInt(
        parameters, count, VIR_DOMAIN_JOB_OPERATION, &operation)
      return found == 1 ? JobOperation(rawValue: operation) ?? .unknown : .unknown
    }
  }
}
