// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

@testable import Libvirt

// The program makes none of these calls; the tests need them to see what the others did.

extension Domain {
  /// Pauses a running domain (`virDomainSuspend`).
  func suspend() throws(LibvirtError) {
    try checking("virDomainSuspend", detail: name) { virDomainSuspend(handle) }
  }
}

extension StorageVolume {
  /// The volume's absolute path on the hypervisor (`virStorageVolGetPath`).
  var path: String {
    get throws(LibvirtError) {
      try takingString("virStorageVolGetPath", detail: name) { virStorageVolGetPath(handle) }
    }
  }
}
