// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Foundation
import QMP
import Testing

@testable import BackupCommands

/// What a guest's agent tells, by the names of `virDomainGetGuestInfo`.
struct GuestInformationTests {
  private static let definition = """
    <domain><devices>
    <disk><target dev='vda' bus='virtio'/><address type='pci' domain='0x0000' bus='0x04' \
    slot='0x00' function='0x0'/></disk>
    <disk><target dev='sda' bus='scsi'/><address type='drive' controller='0' bus='0' target='0' \
    unit='1'/></disk>
    <controller type='scsi' index='0'><address type='pci' domain='0x0000' bus='0x05' slot='0x0a' \
    function='0x0'/></controller>
    </devices></domain>
    """

  private func reply(_ text: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  @Test func `system and host name have libvirt's names`() throws {
    let system = try reply(
      #"{"id": "debian", "pretty-name": "Debian 12", "kernel-release": "6.1", "other": "x"}"#)
    #expect(
      GuestInformation.system(system) == [
        "os.id": "debian", "os.pretty-name": "Debian 12", "os.kernel-release": "6.1",
      ])
    #expect(
      GuestInformation.hostName(try reply(#"{"host-name": "web1"}"#)) == ["hostname": "web1"])
    #expect(GuestInformation.hostName(.null) == [:])
  }

  @Test func `file systems tell on which disks of the domain they are`() throws {
    let systems = try reply(
      #"""
      [{"name": "vda1", "mountpoint": "/", "type": "ext4", "total-bytes": 10, "used-bytes": 5,
        "disk": [{"bus": 0, "target": 0, "unit": 0, "dev": "/dev/vda1", "pci-controller":
          {"domain": 0, "bus": 4, "slot": 0, "function": 0}},
         {"bus": 0, "target": 0, "unit": 1, "serial": "s", "pci-controller":
          {"domain": 0, "bus": 5, "slot": 10, "function": 0}},
         {"bus": 0, "target": 0, "unit": 2, "pci-controller":
          {"domain": 0, "bus": 5, "slot": 10, "function": 0}}]}]
      """#)
    let disks = try DiskAddresses(parsing: Self.definition)
    #expect(
      GuestInformation.fileSystems(systems, disks: disks) == [
        "fs.count": "1", "fs.0.name": "vda1", "fs.0.mountpoint": "/", "fs.0.fstype": "ext4",
        "fs.0.total-bytes": "10", "fs.0.used-bytes": "5", "fs.0.disk.count": "3",
        "fs.0.disk.0.alias": "vda", "fs.0.disk.0.device": "/dev/vda1",
        "fs.0.disk.1.alias": "sda", "fs.0.disk.1.serial": "s",
      ])
    #expect(GuestInformation.fileSystems(.null, disks: disks) == [:])
  }
}
