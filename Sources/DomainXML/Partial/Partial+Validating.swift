// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// Checks a partial that was read.
  func validate() throws(DomainXMLError) {
    for (uuid, what) in [
      (uuid, "uuid"), (domainUUID, "domainUUID"), (host.uuid, "hostUUID"),
      (owner.bootID, "bootID"),
    ] {
      guard Syntax.isUUID(uuid) else { throw .invalid("'\(what)' is not a UUID") }
    }
    guard Syntax.isBackupName(pointName) else {
      throw .invalid("'\(pointName)' cannot name a backup")
    }
    guard !domainName.isEmpty else { throw .invalid("the domain has no name") }
    guard Syntax.isPlainText(owner.host, atMost: 255), owner.pid > 0,
      owner.startTime <= UInt64(Int64.max)
    else { throw .invalid("the owner is not a process of a host") }
    guard creationTime >= 0 else { throw .invalid("'creationTime' is not a number in range") }
    guard helper.map(Syntax.isHelperName) ?? true else {
      throw .invalid("the helper domain's name is not one of ours")
    }
    switch operation {
    case .create(let manifest, let disks, _, _):
      try validate(manifest)
      try validate(disks)
    case .restore(let restore): try restore.validate()
    case .live(let live): try live.validate()
    case .delete(let delete): try delete.validate()
    case .session(let session):
      try validate(session.disks.map(\.disk))
      try session.validate()
    case .verify(let verify): try verify.validate()
    }
  }

  private func validate(_ manifest: Manifest) throws(DomainXMLError) {
    guard manifest.name == pointName, manifest.domainUUID == domainUUID,
      manifest.domainName == domainName
    else { throw .invalid("the operation and its manifest are of different backups") }
  }

  private func validate(_ disks: [CreateDisk]) throws(DomainXMLError) {
    try Self.requireDistinct(disks.map(\.name), "disk")
    try Self.requireDistinct(
      disks.compactMap { disk in
        disk.scratchVolume.map { "\(disk.scratchDirectory ?? "")/\($0)" }
      }, "scratch volume")
    for disk in disks {
      guard Syntax.isBackupName(disk.name) else {
        throw .invalid("'\(disk.name)' cannot name a disk")
      }
      guard disk.scratchVolume.map(Syntax.isVolumeName) ?? true else {
        throw .invalid("the scratch volume of disk '\(disk.name)' has an impossible name")
      }
      guard disk.scratchDirectory.map(Syntax.isAbsolutePath) ?? true else {
        throw .invalid("the scratch directory of disk '\(disk.name)' is not an absolute path")
      }
      guard disk.node.isEmpty || Syntax.isNodeName(disk.node) else {
        throw .invalid("disk '\(disk.name)' has an impossible node name")
      }
      guard disk.device.isEmpty || Syntax.isAbsolutePath(disk.device) else {
        throw .invalid("disk '\(disk.name)' has an impossible device path")
      }
    }
    let targets = disks.compactMap(\.target)
    guard targets.isEmpty || targets.count == disks.count else {
      throw .invalid("only some of the disks have targets")
    }
    try Self.requireDistinct(targets.map(\.path), "target")
    for target in targets {
      guard Syntax.isAbsolutePath(target.path), ["qcow2", "raw"].contains(target.format) else {
        throw .invalid("target '\(target.path)' has an impossible path or format")
      }
    }
  }

  static func requireDistinct(
    _ names: [String], _ what: String
  ) throws(DomainXMLError) {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw .invalid("the operation names \(what) '\(name)' twice")
    }
  }
}
