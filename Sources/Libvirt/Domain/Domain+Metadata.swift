// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// The definitions of a domain whose metadata is read or written
  /// (`virDomainModificationImpact`).
  package struct Impact: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a set of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// The definition that runs.
    package static let live = Impact(rawValue: VIR_DOMAIN_AFFECT_LIVE.rawValue)
    /// The definition that stays.
    package static let config = Impact(rawValue: VIR_DOMAIN_AFFECT_CONFIG.rawValue)
  }

  /// Reads the element of a namespace in `<metadata>`.
  ///
  /// The corresponding libvirt function is `virDomainGetMetadata`.
  ///
  /// - Parameters:
  ///   - namespace: URI of the namespace.
  ///   - impact: Of which definition; one of them.
  /// - Returns: The element, whose names libvirt has taken out of the namespace; nil where there is none.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where there is no such definition.
  package func metadata(
    namespace: String, _ impact: Impact
  ) throws(LibvirtError) -> String? {
    do {
      return try unsafe takingString("virDomainGetMetadata", detail: name) {
        unsafe virDomainGetMetadata(
          handle, Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue), namespace, impact.rawValue)
      }
    } catch  where error.code == .noDomainMetadata {
      return nil
    }
  }

  /// Puts an element into `<metadata>`, in the place of the one of that namespace if there is one.
  ///
  /// The corresponding libvirt function is `virDomainSetMetadata`.
  ///
  /// - Parameters:
  ///   - element: The element, whose names libvirt puts into the namespace; nil to remove what is there.
  ///   - prefix: What stands for the namespace in the document.
  ///   - namespace: URI of the namespace.
  ///   - impact: Into which definitions.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where there is no such definition.
  package func setMetadata(
    _ element: String?, prefix: String, namespace: String, _ impact: Impact
  ) throws(LibvirtError) {
    try checking("virDomainSetMetadata", detail: name) {
      unsafe virDomainSetMetadata(
        handle, Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue), element,
        element == nil ? nil : prefix, namespace, impact.rawValue)
    }
  }
}
