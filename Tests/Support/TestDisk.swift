// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A disk of a test domain.
package struct TestDisk: Sendable {
  /// The image's format.
  package enum Format: String, Sendable, CaseIterable {
    case qcow2, raw
  }
  /// The controller the disk hangs on.
  package enum Bus: String, Sendable, CaseIterable {
    case virtio, scsi, sata
  }

  /// The target name, `vda`.
  package var target: String
  /// The image's format.
  package var format: Format
  /// The capacity in bytes.
  package var size: UInt64
  /// The controller.
  package var bus: Bus
  /// More options for `qemu-img create -o`, such as `cluster_size=4096`.
  package var options: String?
  /// Numbers of the threads that serve the disk, counted from 1; none for QEMU's main one, several
  /// where each has queues of the disk.
  package var ioThreads: [Int]
  /// The image; made in the domain's directory when nil, used as it is when the file exists.
  package var path: String?

  /// Describes a disk; 64 MiB on virtio unless told.
  package init(
    _ target: String, _ format: Format = .qcow2, size: UInt64 = 64 << 20, bus: Bus = .virtio,
    options: String? = nil, ioThreads: [Int] = [], path: String? = nil
  ) {
    self.target = target
    self.format = format
    self.size = size
    self.bus = bus
    self.options = options
    self.ioThreads = ioThreads
    self.path = path
  }

  /// The `<disk>` element, for an image and the disk's place in the boot order, counted from 0.
  func xml(path: String, index: Int) -> String {
    let thread = ioThreads.count == 1 ? " iothread='\(ioThreads[0])'" : ""
    let mapping =
      ioThreads.count > 1
      ? "<iothreads>\(ioThreads.map { "<iothread id='\($0)'/>" }.joined())</iothreads>" : ""
    return """
      <disk type='file' device='disk'>
        <driver name='qemu' type='\(format.rawValue)' discard='unmap'\(thread)>\(mapping)</driver>
        <source file='\(path)'/>
        <target dev='\(target)' bus='\(bus.rawValue)'/>
        <boot order='\(index + 1)'/>
      </disk>
      """
  }
}
