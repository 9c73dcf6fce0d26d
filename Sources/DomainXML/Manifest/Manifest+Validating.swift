// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Manifest {
  /// Checks everything but the definitions, of a manifest that was read.
  func validate() throws(DomainXMLError) {
    guard Syntax.isBackupName(name) else { throw .invalid("'\(name)' cannot name a backup") }
    for (uuid, what) in [(uuid, "uuid"), (chain, "chain"), (parent ?? uuid, "parent")] {
      guard Syntax.isUUID(uuid) else { throw .invalid("<\(what)> is not a UUID") }
    }
    guard sequence > 0 else { throw .invalid("'sequence' is not a number in range") }
    guard creationTime >= 0 else { throw .invalid("'creationTime' is not a number in range") }
    guard !disks.isEmpty else { throw .invalid("the backup has no disks") }
    var names: Set<String> = []
    var volumes: Set<String> = []
    for disk in disks {
      try disk.validate()
      guard disk.parent != uuid else { throw .invalid("disk '\(disk.name)' is its own parent") }
      guard names.insert(disk.name).inserted else {
        throw .invalid("two disks are named '\(disk.name)'")
      }
    }
    for (state, what) in [(nvram, "the NVRAM"), (tpm, "the state of the TPM")] {
      guard let state else { continue }
      guard Syntax.isVolumeName(state.volume.name), state.volume.size <= UInt64(Int64.max) else {
        throw .invalid("\(what) is in a volume of an impossible name or size")
      }
    }
    for volume in self.volumes where !volumes.insert(volume.name).inserted {
      throw .invalid("two disks are in volume '\(volume.name)'")
    }
    guard let inactiveDomainXML else { return }
    let inactive = try DomainDefinition(parsing: inactiveDomainXML)
    guard inactive.uuid == domainUUID else {
      throw .invalid("the two definitions are of different domains")
    }
  }
}

extension Manifest {
  /// What of a guest's own words can be written down: a guest may say anything.
  ///
  /// - Parameter information: What it says, by libvirt's names.
  /// - Returns: At most 256 of these, without those that are long or no plain text.
  package static func fitting(_ information: [String: String]) -> [String: String] {
    let plain = information.filter {
      Syntax.isPlainText($0.key, atMost: 80) && Syntax.isPlainText($0.value, atMost: 1024)
    }
    return Dictionary(
      plain.sorted { $0.key < $1.key }.prefix(256).map { ($0.key, $0.value) },
      uniquingKeysWith: { $1 })
  }
}

extension Manifest.Disk {
  /// Checks a disk for itself.
  fileprivate func validate() throws(DomainXMLError) {
    guard Syntax.isBackupName(name) else { throw .invalid("'\(name)' cannot name a disk") }
    switch (mode, parent) {
    case (.full, nil): break
    case (.full, .some): throw .invalid("disk '\(name)' is full and has a parent")
    case (.incremental, nil): throw .invalid("disk '\(name)' is incremental without a parent")
    case (.incremental, .some(let parent)):
      guard Syntax.isUUID(parent) else { throw .invalid("parent of disk '\(name)' is not a UUID") }
    }
    guard reasonCode.map(Syntax.isWord) ?? true else {
      throw .invalid("reasonCode of disk '\(name)' is not a word")
    }
    guard Syntax.isWord(format) else { throw .invalid("format of disk '\(name)' is not a word") }
    guard capacity <= UInt64(Int64.max), volume.size <= UInt64(Int64.max) else {
      throw .invalid("disk '\(name)' has a size out of range")
    }
    guard Syntax.isVolumeName(volume.name) else {
      throw .invalid("disk '\(name)' is in a volume of an impossible name")
    }
  }
}
