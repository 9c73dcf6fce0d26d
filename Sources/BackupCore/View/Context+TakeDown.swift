// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

extension Context {
  /// Takes everything of a create or session out of QEMU but its jobs and bitmaps.
  package func takeDown(_ partial: Partial, guest: any Guest) throws {
    let disks = partial.liveDisks
    let monitor = guest.monitor
    try monitor.removeExports(of: partial)
    if partial.session != nil {
      // These jobs save the guest's old data without protecting it, until nobody reads that any more.
      try cancelJobs(of: partial, in: guest)
      try monitor.dismissJobs(of: partial)
    }
    try monitor.removeSecrets(of: partial)
    try monitor.removeDescriptorSets { $0 == partial.id }
    guard try monitor.blockNodes().contains(where: { partial.id.owns($0.nodeName) }) else {
      return
    }
    let definition = try DomainDefinition(parsing: try guest.definition())
    // Where there is no view, the disk itself has the bitmap that says what to copy.
    try monitor.removeBitmaps { partial.id.owns($0) }
    for (number, disk) in disks.enumerated() {
      let names = NodeNames(operation: partial.uuid, disk: number)
      for node in [names.sample, names.sampleTarget] { try monitor.close(node) }
      // While the view reads through it, the filter lets nobody else write below it.
      try monitor.close(names.view)
      try removeFilter(of: disk, names: names, definition: definition, in: monitor)
      for node in [
        names.relay, names.filter, names.scratch, names.scratchFile, names.target, names.targetFile,
      ] {
        try monitor.close(node)
      }
      try closeLeftovers(of: disk, definition: definition, in: monitor)
    }
  }

  /// Closes what libvirt could not close when the disk was unplugged while our filter used it.
  private func closeLeftovers(
    of disk: Partial.CreateDisk, definition: DomainDefinition, in monitor: any Monitor
  ) throws {
    guard !definition.disks.contains(where: { $0.target == disk.name }) else { return }
    let parts = disk.node.split(separator: "-")
    guard parts.count == 3, parts[0] == "libvirt", let index = Int(parts[1]),
      !definition.disks.flatMap(\.chain).contains(where: { $0.index == index })
    else { return }
    for node in ["libvirt-\(index)-format", "libvirt-\(index)-storage"] {
      try monitor.close(node)
    }
  }
}
