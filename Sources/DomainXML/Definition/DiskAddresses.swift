// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Where the disks of a live definition are, in the words in which a guest's agent tells it.
package struct DiskAddresses: Sendable, Equatable {
  /// An address on a PCI bus.
  package struct PCI: Sendable, Equatable {
    var domain: Int64, bus: Int64, slot: Int64, function: Int64

    /// Makes an address.
    package init(domain: Int64, bus: Int64, slot: Int64, function: Int64) {
      (self.domain, self.bus, self.slot, self.function) = (domain, bus, slot, function)
    }

    fileprivate init?(_ element: XMLElement) {
      guard let address = element.elements("address").first(where: { $0["type"] == "pci" })
      else { return nil }
      func number(_ name: String) -> Int64 {
        address[name].flatMap { text in
          text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
        } ?? 0
      }
      self.init(
        domain: number("domain"), bus: number("bus"), slot: number("slot"),
        function: number("function"))
    }
  }

  private struct Disk: Sendable, Equatable {
    var target: String
    /// Its own address, or its controller's.
    var pci: PCI
    /// Place on the controller; nil for a disk that has an address of its own.
    var drive: [Int64]?
  }

  private var disks: [Disk] = []

  /// Reads a live definition.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it is no XML.
  package init(parsing text: String) throws(DomainXMLError) {
    let devices = try XMLElement(parsing: text).elements("devices")
    let controllers = devices.flatMap { $0.elements("controller") }
    for disk in devices.flatMap({ $0.elements("disk") }) {
      guard let target = disk.element("target"), let name = target["dev"] else { continue }
      if let pci = PCI(disk) {
        disks.append(Disk(target: name, pci: pci, drive: nil))
      } else if let drive = disk.elements("address").first(where: { $0["type"] == "drive" }),
        let controller = controllers.first(where: {
          $0["type"] == target["bus"] && $0["index"] == drive["controller"]
        }), let pci = PCI(controller)
      {
        disks.append(
          Disk(
            target: name, pci: pci,
            drive: ["bus", "target", "unit"].map { drive[$0].flatMap { Int64($0) } ?? 0 }))
      }
    }
  }

  /// Target name of a disk; nil where none is there.
  ///
  /// - Parameters:
  ///   - pci: address of the disk, or of its controller.
  ///   - drive: bus, target and unit on the controller.
  /// - Returns: The name, `vda`.
  package func target(at pci: PCI, drive: [Int64]) -> String? {
    disks.first { $0.pci == pci && ($0.drive == nil || $0.drive == drive) }?.target
  }
}
