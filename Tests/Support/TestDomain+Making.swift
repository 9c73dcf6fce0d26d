// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

// How images, models and definitions come about.
extension TestDomain {
  /// Makes the image of a disk, unless there is one.
  static func make(_ disk: TestDisk, in directory: String, _ libvirt: PrivateLibvirt) throws
    -> TestDisk
  {
    var disk = disk
    let path = disk.path ?? "\(directory)/\(disk.target).\(disk.format.rawValue)"
    disk.path = path
    guard !FileManager.default.fileExists(atPath: path) else { return disk }
    let options = disk.options.map { ["-o", $0] } ?? []
    try Command.run(
      "qemu-img",
      ["create", "-q", "-f", disk.format.rawValue] + options + [path, "\(disk.size)"]
    ).expectSuccess()
    try libvirt.giveToDaemon(path)
    return disk
  }

  /// Makes the model of an empty disk.
  static func model(of disk: TestDisk, in directory: String) throws -> ReferenceImage {
    let option = disk.options?.split(separator: ",").first { $0.hasPrefix("cluster_size=") }
    let cluster = option.flatMap { UInt64($0.dropFirst("cluster_size=".count)) } ?? 65536
    return try ReferenceImage(
      path: "\(directory)/\(disk.target).reference", size: disk.size,
      discardUnit: disk.format == .qcow2 ? cluster : 1)
  }

  /// The definition: nothing but disks, and room to plug two more.
  static func xml(
    name: String, devices: String, ioThreads: Int, guest: CounterGuest?, linux: LinuxGuest?
  ) -> String {
    """
    <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
      <name>\(name)</name>
      <memory unit='MiB'>\(linux == nil ? 32 : 128)</memory>
      <vcpu>1</vcpu>
      \(ioThreads > 0 ? "<iothreads>\(ioThreads)</iothreads>" : "")
      <os><type arch='x86_64' machine='q35'>hvm</type>\(linux?.boot(isBusy: ioThreads > 0) ?? "")</os>
      <features><acpi/></features>
      <devices>
        <emulator>/usr/bin/qemu-system-x86_64</emulator>
        <controller type='usb' model='none'/>
        <controller type='scsi' index='0' model='virtio-scsi'/>
        <controller type='pci' model='pcie-root'/>
        \(String(repeating: "<controller type='pci' model='pcie-root-port'/>", count: 8))
        \(devices)
        \(linux?.devices(name) ?? "")
        <memballoon model='none'/>
      </devices>
      \(guest?.commandLine ?? "")
    </domain>
    """
  }
}
