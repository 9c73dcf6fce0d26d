// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Which disks of a domain take part in a backup.
package struct DiskSelection {
  /// The disks, in the domain's order, with what the user said about each.
  package var chosen: [(disk: DomainDefinition.Disk, request: DiskRequest)] = []
  /// What was left out without being named, a line each.
  package var leftOut: [String] = []

  /// Applies the user's words to the domain.
  ///
  /// - Throws: ``BackupError`` when a disk is unknown, named twice, cannot be backed up, or none is
  ///   left.
  package init(
    _ requests: [DiskRequest], in domain: DomainDefinition,
    allowsPlaintext: Bool = false
  ) throws {
    guard !domain.disks.isEmpty else {
      throw BackupError(
        .invalid,
        "unsupported configuration: domain must have at least one disk to perform backup")
    }
    var named: [String: DiskRequest] = [:]
    for request in requests {
      guard domain.disks.contains(where: { $0.target == request.name }) else {
        throw BackupError(
          .notFound, "unsupported configuration: no disk named '\(request.name)'")
      }
      guard named.updateValue(request, forKey: request.name) == nil else {
        throw BackupError.specifiedTwice(request.name)
      }
    }
    let takesOthers = !named.values.contains { $0.isIncluded }
    for disk in domain.disks {
      if let request = named[disk.target] {
        guard request.isIncluded else { continue }
        guard disk.source != .none else {
          throw BackupError(
            .invalid, "unsupported configuration: disk '\(disk.target)' has no media")
        }
        try DiskSelection.check(
          disk, allowsPlaintext: allowsPlaintext || request.target?.store.encryption != nil)
        chosen.append((disk, request))
      } else if takesOthers {
        if let why = DiskSelection.reasonToLeaveOut(disk) {
          leftOut.append("disk '\(disk.target)' is left out: \(why)")
          continue
        }
        try DiskSelection.check(disk, allowsPlaintext: allowsPlaintext)
        chosen.append((disk, DiskRequest(name: disk.target)))
      }
    }
    guard !chosen.isEmpty else {
      throw BackupError(
        .invalid, "unsupported configuration: no disks selected for backup")
    }
  }

  private static func reasonToLeaveOut(_ disk: DomainDefinition.Disk) -> String? {
    switch disk.device {
    case "cdrom": return "CD-ROM"
    case "floppy": return "floppy"
    default: break
    }
    if disk.source == .none { return "empty" }
    return disk.isReadOnly ? "read-only" : nil
  }

  /// Who else than QEMU does the guest's reading and writing; nil where nobody does.
  ///
  /// No bitmap records what is written there, and no filter can be put under such a device.
  private static func bypass(of disk: DomainDefinition.Disk) -> String? {
    if disk.device == "lun" { return "its guest drives the device itself (device='lun')" }
    guard case .other(let type) = disk.source else { return nil }
    return switch type {
    case "vhostuser": "another process serves it (vhost-user)"
    case "vhostvdpa": "a device of the host serves it (vDPA)"
    default: nil
    }
  }

  private static func check(_ disk: DomainDefinition.Disk, allowsPlaintext: Bool) throws {
    if let bypass = bypass(of: disk) {
      throw BackupError(
        .invalid,
        "unsupported configuration: QEMU does not see what is written to disk '\(disk.target)': "
          + "\(bypass); exclude it with --diskspec \(disk.target),backup=no")
    }
    if disk.isEncrypted, !allowsPlaintext {
      throw BackupError(
        .invalid,
        "unsupported configuration: disk '\(disk.target)' is encrypted and its backup would not "
          + "be: allow that with --allow-plaintext, copy it to an encrypted <target>, or exclude it with "
          + "--diskspec \(disk.target),backup=no")
    }
    if disk.isTransient {
      throw BackupError(
        .invalid,
        "unsupported configuration: disk '\(disk.target)' is transient; exclude it with "
          + "--diskspec \(disk.target),backup=no")
    }
  }
}
