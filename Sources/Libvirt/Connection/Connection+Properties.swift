// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Connection {
  /// Where the connection leads, as libvirt resolved it.
  ///
  /// The corresponding libvirt function is `virConnectGetURI`.
  package var uri: String {
    get throws(LibvirtError) {
      try unsafe takingString("virConnectGetURI", isLocal: true) { unsafe virConnectGetURI(handle) }
    }
  }

  /// Name of the host of the hypervisor.
  ///
  /// The corresponding libvirt function is `virConnectGetHostname`.
  package var hostName: String {
    get throws(LibvirtError) {
      try unsafe takingString("virConnectGetHostname") { unsafe virConnectGetHostname(handle) }
    }
  }

  /// What host and hypervisor can do, as an XML document.
  ///
  /// The corresponding libvirt function is `virConnectGetCapabilities`.
  package var capabilities: String {
    get throws(LibvirtError) {
      try unsafe takingString("virConnectGetCapabilities") {
        unsafe virConnectGetCapabilities(handle)
      }
    }
  }

  /// Version of this process's libvirt: 1,000,000 × major + 1,000 × minor + release.
  ///
  /// The corresponding libvirt function is `virGetVersion`.
  package static var clientVersion: UInt {
    get throws(LibvirtError) {
      var version: UInt = 0
      try checking("virGetVersion", isLocal: true) { unsafe virGetVersion(&version, nil, nil) }
      return version
    }
  }

  /// False when the connection is known to be broken.
  ///
  /// The corresponding libvirt function is `virConnectIsAlive`.
  package var isAlive: Bool {
    get throws(LibvirtError) {
      try counting("virConnectIsAlive", isLocal: true) { unsafe virConnectIsAlive(handle) } == 1
    }
  }
}
