// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// How to start a domain (`virDomainCreateFlags`).
  package struct CreateFlags: OptionSet, Sendable {
    /// libvirt's flags.
    package let rawValue: UInt32

    /// Makes a set of libvirt's flags.
    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// Without letting the guest run.
    package static let paused = CreateFlags(rawValue: VIR_DOMAIN_START_PAUSED.rawValue)
    /// To be destroyed when the connection is closed.
    package static let autoDestroy = CreateFlags(rawValue: VIR_DOMAIN_START_AUTODESTROY.rawValue)
  }

  /// Starts a defined domain.
  ///
  /// The corresponding libvirt function is `virDomainCreateWithFlags`.
  ///
  /// - Parameter flags: How to start it.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where it runs already.
  package func create(flags: CreateFlags = []) throws(LibvirtError) {
    try checking("virDomainCreateWithFlags", detail: name) {
      unsafe virDomainCreateWithFlags(handle, flags.rawValue)
    }
  }

  /// Lets a paused domain go on.
  ///
  /// The corresponding libvirt function is `virDomainResume`.
  ///
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where it is shut off.
  package func resume() throws(LibvirtError) {
    try checking("virDomainResume", detail: name) { unsafe virDomainResume(handle) }
  }

  /// Ends a domain at once, as by pulling the plug.
  ///
  /// The corresponding libvirt function is `virDomainDestroyFlags`.
  ///
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where it is shut off.
  package func destroy() throws(LibvirtError) {
    try checking("virDomainDestroyFlags", detail: name) {
      unsafe virDomainDestroyFlags(handle, VIR_DOMAIN_DESTROY_DEFAULT.rawValue)
    }
  }
}
