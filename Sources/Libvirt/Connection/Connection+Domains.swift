// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Connection {
  /// Which domains to list; kinds of one pair are alternatives, pairs narrow each other.
  package struct DomainFilter: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a filter of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// Domains that run or are paused.
    package static let active = DomainFilter(rawValue: VIR_CONNECT_LIST_DOMAINS_ACTIVE.rawValue)
    /// Domains that are shut off.
    package static let inactive = DomainFilter(
      rawValue: VIR_CONNECT_LIST_DOMAINS_INACTIVE.rawValue)
    /// Domains with a definition that stays.
    package static let persistent = DomainFilter(
      rawValue: VIR_CONNECT_LIST_DOMAINS_PERSISTENT.rawValue)
    /// Domains that vanish when they stop.
    package static let transient = DomainFilter(
      rawValue: VIR_CONNECT_LIST_DOMAINS_TRANSIENT.rawValue)
  }

  /// Lists domains.
  ///
  /// The corresponding libvirt function is `virConnectListAllDomains`.
  ///
  /// - Parameter filter: Which of them; all when empty.
  /// - Returns: The domains, in no order.
  /// - Throws: ``LibvirtError``.
  package func domains(_ filter: DomainFilter = []) throws(LibvirtError) -> [Domain] {
    let handles = try unsafe takingHandles("virConnectListAllDomains") {
      unsafe virConnectListAllDomains(handle, $0, filter.rawValue)
    }
    return unsafe handles.map { unsafe Domain(adopting: $0, connection: self) }
  }

  /// Looks a running domain up.
  ///
  /// The corresponding libvirt function is `virDomainLookupByID`.
  ///
  /// - Parameter id: The domain's id.
  /// - Returns: The domain.
  /// - Throws: ``LibvirtError``, of the code `.noDomain` where there is none.
  package func domain(id: Int32) throws(LibvirtError) -> Domain {
    let domain = try unsafe checkingNil("virDomainLookupByID", detail: String(id)) {
      unsafe virDomainLookupByID(handle, id)
    }
    return unsafe Domain(adopting: domain, connection: self)
  }

  /// Looks a domain up.
  ///
  /// The corresponding libvirt function is `virDomainLookupByUUIDString`.
  ///
  /// - Parameter uuid: The domain's UUID.
  /// - Returns: The domain.
  /// - Throws: ``LibvirtError``, of the code `.noDomain` where there is none, `.invalidArg` where
  ///   the text is not a UUID.
  package func domain(uuid: String) throws(LibvirtError) -> Domain {
    let domain = try unsafe checkingNil("virDomainLookupByUUIDString", detail: uuid) {
      unsafe virDomainLookupByUUIDString(handle, uuid)
    }
    return unsafe Domain(adopting: domain, connection: self)
  }

  /// Looks a domain up.
  ///
  /// The corresponding libvirt function is `virDomainLookupByName`.
  ///
  /// - Parameter name: The domain's name.
  /// - Returns: The domain.
  /// - Throws: ``LibvirtError``, of the code `.noDomain` where there is none.
  package func domain(name: String) throws(LibvirtError) -> Domain {
    let domain = try unsafe checkingNil("virDomainLookupByName", detail: name) {
      unsafe virDomainLookupByName(handle, name)
    }
    return unsafe Domain(adopting: domain, connection: self)
  }

  /// Defines a domain, or replaces the definition of the one of that name and UUID.
  ///
  /// The corresponding libvirt function is `virDomainDefineXMLFlags`.
  ///
  /// - Parameter xml: A `<domain>` document.
  /// - Returns: The domain.
  /// - Throws: ``LibvirtError``, of the code `.operationFailed` where name or UUID is another's.
  package func defineDomain(xml: String) throws(LibvirtError) -> Domain {
    let domain = try unsafe checkingNil("virDomainDefineXMLFlags") {
      unsafe virDomainDefineXMLFlags(handle, xml, 0)
    }
    return unsafe Domain(adopting: domain, connection: self)
  }

  /// Starts a domain that is gone when it stops.
  ///
  /// The corresponding libvirt function is `virDomainCreateXML`.
  ///
  /// - Parameters:
  ///   - xml: A `<domain>` document.
  ///   - flags: How to start it.
  /// - Returns: The domain.
  /// - Throws: ``LibvirtError``.
  package func createDomain(
    xml: String, flags: Domain.CreateFlags = []
  ) throws(LibvirtError) -> Domain {
    let domain = try unsafe checkingNil("virDomainCreateXML") {
      unsafe virDomainCreateXML(handle, xml, flags.rawValue)
    }
    return unsafe Domain(adopting: domain, connection: self)
  }

  /// Tells how libvirt would start a domain, which need not exist.
  ///
  /// The corresponding libvirt function is `virConnectDomainXMLToNative`.
  ///
  /// - Parameter xml: A `<domain>` document.
  /// - Returns: The command line of QEMU, quoted for a shell.
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver starts no QEMU.
  package func nativeArguments(xml: String) throws(LibvirtError) -> String {
    try unsafe takingString("virConnectDomainXMLToNative") {
      unsafe virConnectDomainXMLToNative(handle, "qemu-argv", xml, 0)
    }
  }
}
