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
  }

  /// What to remove together with a definition (`virDomainUndefineFlagsValues`).
  package struct UndefineFlags: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a set of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// Keep the NVRAM file.
    package static let keepNVRAM = UndefineFlags(
      rawValue: VIR_DOMAIN_UNDEFINE_KEEP_NVRAM.rawValue)
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
}
