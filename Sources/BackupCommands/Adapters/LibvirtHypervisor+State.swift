// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc
import Libvirt

// Where a domain has its NVRAM and the state of its TPM.
extension LibvirtHypervisor {
  func nvramPath(of definition: String, _ parsed: DomainDefinition) -> String? {
    guard let nvram = parsed.nvram, nvram.isFile else { return nil }
    if let path = nvram.path { return path }
    return (try? connection.nativeArguments(xml: definition))
      .flatMap { NativeArguments(parsing: $0).nvram }
  }

  func tpmDirectory(uuid: String) -> String? {
    if isSystem { return "/var/lib/libvirt/swtpm/\(uuid)" }
    return sessionDirectory.map { "\($0)/qemu/swtpm/\(uuid)" }
  }

  func managedSavePath(name: String) -> String? {
    if isSystem { return "/var/lib/libvirt/qemu/save/\(name).save" }
    return sessionDirectory.map { "\($0)/qemu/save/\(name).save" }
  }

  /// Where the daemon of a user's session keeps what it knows; nil where that is not known.
  private var sessionDirectory: String? {
    // A session keeps it where its user's configuration is, which another host does not tell.
    guard isLocal else { return nil }
    func directory(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard
      let configuration = directory("XDG_CONFIG_HOME")
        ?? directory("HOME").map({ "\($0)/.config" })
    else { return nil }
    return "\(configuration)/libvirt"
  }
}
