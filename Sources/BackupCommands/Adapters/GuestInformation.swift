// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// Replies of a guest's agent, by the names that `virDomainGetGuestInfo` gives to what is in them.
enum GuestInformation {
  /// `os.pretty-name` and others, of the reply to `guest-get-osinfo`.
  static func system(_ reply: JSONValue) -> [String: String] {
    [
      "id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id",
      "kernel-release", "kernel-version",
    ].reduce(into: [:]) { told, name in told["os.\(name)"] = reply[name]?.string }
  }

  /// `hostname`, of the reply to `guest-get-host-name`.
  static func hostName(_ reply: JSONValue) -> [String: String] {
    reply["host-name"]?.string.map { ["hostname": $0] } ?? [:]
  }

  /// `fs.0.mountpoint` and others, of the reply to `guest-get-fsinfo`.
  ///
  /// - Parameters:
  ///   - reply: The reply.
  ///   - disks: Where the domain's disks are; nil where that is not known.
  /// - Returns: What it tells.
  static func fileSystems(_ reply: JSONValue, disks: DiskAddresses?) -> [String: String] {
    guard case .array(let systems) = reply else { return [:] }
    var told = ["fs.count": "\(systems.count)"]
    for (number, system) in systems.enumerated() {
      let prefix = "fs.\(number)"
      for (name, member) in [("name", "name"), ("mountpoint", "mountpoint"), ("fstype", "type")] {
        told["\(prefix).\(name)"] = system[member]?.string
      }
      for name in ["total-bytes", "used-bytes"] {
        told["\(prefix).\(name)"] = system[name]?.int.map { "\($0)" }
      }
      guard case .array(let devices)? = system["disk"] else { continue }
      told["\(prefix).disk.count"] = "\(devices.count)"
      for (number, device) in devices.enumerated() {
        let prefix = "\(prefix).disk.\(number)"
        told["\(prefix).alias"] = target(of: device, disks: disks)
        told["\(prefix).serial"] = device["serial"]?.string
        told["\(prefix).device"] = device["dev"]?.string
      }
    }
    return told
  }

  /// Target name of a disk of the domain by what the agent says of it.
  private static func target(of device: JSONValue, disks: DiskAddresses?) -> String? {
    guard let controller = device["pci-controller"] else { return nil }
    let pci = ["domain", "bus", "slot", "function"].compactMap { controller[$0]?.int }
    let drive = ["bus", "target", "unit"].compactMap { device[$0]?.int }
    guard pci.count == 4, drive.count == 3 else { return nil }
    return disks?.target(
      at: .init(domain: pci[0], bus: pci[1], slot: pci[2], function: pci[3]), drive: drive)
  }
}
