// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// What a description holds (`virDomainXMLFlags`).
  package struct XMLFlags: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a set of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// With passwords; refused on a read-only connection.
    package static let secure = XMLFlags(rawValue: VIR_DOMAIN_XML_SECURE.rawValue)
    /// What the next start will use, not what runs.
    package static let inactive = XMLFlags(rawValue: VIR_DOMAIN_XML_INACTIVE.rawValue)
    /// With the CPU as the host provides it.
    package static let updateCPU = XMLFlags(rawValue: VIR_DOMAIN_XML_UPDATE_CPU.rawValue)
    /// Fit for another host.
    package static let migratable = XMLFlags(rawValue: VIR_DOMAIN_XML_MIGRATABLE.rawValue)
  }

  /// What to remove together with a definition (`virDomainUndefineFlagsValues`).
  package struct UndefineFlags: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a set of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// The managed save image.
    package static let managedSave = UndefineFlags(
      rawValue: VIR_DOMAIN_UNDEFINE_MANAGED_SAVE.rawValue)
    /// What libvirt knows of snapshots.
    package static let snapshotsMetadata = UndefineFlags(
      rawValue: VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA.rawValue)
    /// The NVRAM file.
    package static let nvram = UndefineFlags(rawValue: VIR_DOMAIN_UNDEFINE_NVRAM.rawValue)
    /// Keep the NVRAM file.
    package static let keepNVRAM = UndefineFlags(
      rawValue: VIR_DOMAIN_UNDEFINE_KEEP_NVRAM.rawValue)
    /// What libvirt knows of checkpoints.
    package static let checkpointsMetadata = UndefineFlags(
      rawValue: VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA.rawValue)
    /// The state of the TPM.
    package static let tpm = UndefineFlags(rawValue: VIR_DOMAIN_UNDEFINE_TPM.rawValue)
    /// Keep the state of the TPM.
    package static let keepTPM = UndefineFlags(rawValue: VIR_DOMAIN_UNDEFINE_KEEP_TPM.rawValue)
  }

  /// Which snapshots to count; none named is all.
  package struct SnapshotFilter: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a filter of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// Snapshots inside the images.
    package static let `internal` = SnapshotFilter(
      rawValue: VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL.rawValue)
    /// Snapshots made of image files.
    package static let external = SnapshotFilter(
      rawValue: VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL.rawValue)
  }

  /// Describes the domain.
  ///
  /// The corresponding libvirt function is `virDomainGetXMLDesc`.
  ///
  /// - Parameter flags: What the description holds.
  /// - Returns: A `<domain>` document.
  /// - Throws: ``LibvirtError``, of the code `.operationDenied` for `.secure` on a read-only
  ///   connection.
  package func xmlDescription(flags: XMLFlags = []) throws(LibvirtError) -> String {
    try unsafe takingString("virDomainGetXMLDesc", detail: name) {
      unsafe virDomainGetXMLDesc(handle, flags.rawValue)
    }
  }

  /// Removes the domain's definition; a running domain becomes transient.
  ///
  /// The corresponding libvirt function is `virDomainUndefineFlags`.
  ///
  /// - Parameter flags: What else to remove.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where something keeps it from it.
  package func undefine(flags: UndefineFlags = []) throws(LibvirtError) {
    try checking("virDomainUndefineFlags", detail: name) {
      unsafe virDomainUndefineFlags(handle, flags.rawValue)
    }
  }

  /// Counts the snapshots that libvirt knows of.
  ///
  /// The corresponding libvirt function is `virDomainSnapshotNum`.
  ///
  /// - Parameter filter: Which of them.
  /// - Returns: The number.
  /// - Throws: ``LibvirtError``.
  package func snapshotCount(_ filter: SnapshotFilter = []) throws(LibvirtError) -> Int {
    try counting("virDomainSnapshotNum", detail: name) {
      unsafe virDomainSnapshotNum(handle, filter.rawValue)
    }
  }

  /// Counts the checkpoints that libvirt knows of.
  ///
  /// The corresponding libvirt function is `virDomainListAllCheckpoints`.
  ///
  /// - Returns: The number.
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver has no checkpoints.
  package func checkpointCount() throws(LibvirtError) -> Int {
    try counting("virDomainListAllCheckpoints", detail: name) {
      unsafe virDomainListAllCheckpoints(handle, nil, 0)
    }
  }
}
