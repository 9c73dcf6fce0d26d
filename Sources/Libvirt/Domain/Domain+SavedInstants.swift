// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// Describes the snapshots that libvirt knows of.
  ///
  /// The corresponding libvirt functions are `virDomainListAllSnapshots` and
  /// `virDomainSnapshotGetXMLDesc`.
  ///
  /// - Returns: A `<domainsnapshot>` document each.
  /// - Throws: ``LibvirtError``.
  package func snapshotDescriptions() throws(LibvirtError) -> [String] {
    let snapshots = try unsafe takingHandles("virDomainListAllSnapshots", detail: name) {
      unsafe virDomainListAllSnapshots(handle, $0, 0)
    }
    defer {
      unsafe snapshots.forEach { snapshot in
        _ = withoutPipeSignal { unsafe virDomainSnapshotFree(snapshot) }
      }
    }
    return try unsafe snapshots.map { snapshot throws(LibvirtError) -> String in
      try unsafe takingString("virDomainSnapshotGetXMLDesc", detail: name) {
        unsafe virDomainSnapshotGetXMLDesc(snapshot, 0)
      }
    }
  }

  /// Describes the checkpoints that libvirt knows of.
  ///
  /// The corresponding libvirt functions are `virDomainListAllCheckpoints` and
  /// `virDomainCheckpointGetXMLDesc`.
  ///
  /// - Returns: A `<domaincheckpoint>` document each.
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver has no checkpoints.
  package func checkpointDescriptions() throws(LibvirtError) -> [String] {
    let checkpoints = try unsafe takingHandles("virDomainListAllCheckpoints", detail: name) {
      unsafe virDomainListAllCheckpoints(handle, $0, 0)
    }
    defer {
      unsafe checkpoints.forEach { checkpoint in
        _ = withoutPipeSignal { unsafe virDomainCheckpointFree(checkpoint) }
      }
    }
    return try unsafe checkpoints.map { checkpoint throws(LibvirtError) -> String in
      try unsafe takingString("virDomainCheckpointGetXMLDesc", detail: name) {
        unsafe virDomainCheckpointGetXMLDesc(checkpoint, 0)
      }
    }
  }
}
