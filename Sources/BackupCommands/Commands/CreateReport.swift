// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import QMP
import Vsh

/// The backup that `backup-create` has made, or has begun to make.
struct CreateReport: Presentable {
  /// The manifest of the backup.
  let manifest: Manifest
  /// Name of the pool.
  let pool: String
  /// True while its data is still being copied.
  let isAsync: Bool
  /// Disks that were copied to places of the user's, in the place of a backup.
  let copies: [(disk: String, path: String)]
  /// The pool, by which parents have names; nil where it cannot be read any more.
  let catalog: Catalog?

  func show(on shell: Shell<Client>) {
    let end = isAsync ? "started" : "created"
    guard copies.isEmpty else {
      let list = copies.map { "\($0.disk) \($0.path)" }.joined(separator: ", ")
      shell.printExtra(
        "Copies of domain '\(manifest.domainName)' \(end): \(list)", terminator: "")
      return
    }
    shell.printExtra("Domain backup \(manifest.name) \(end)", terminator: "")
  }

  var json: JSONValue {
    guard copies.isEmpty else {
      return .object([
        "domain": .string(manifest.domainName), "domain_uuid": .string(manifest.domainUUID),
        "state": isAsync ? "running" : "complete",
        "copies": .array(
          copies.map { .object(["disk": .string($0.disk), "path": .string($0.path)]) }),
      ])
    }
    let point = Point(manifest: manifest, manifestVolume: "")
    var members = point.jsonMembers(
      pool: pool, state: isAsync ? "running" : "complete",
      parent: manifest.parent.map(name(of:)))
    members["consistency"] = .string(manifest.consistency.rawValue)
    members["running"] = .bool(wasRunning)
    members["disks"] = .array(
      manifest.disks.map { .object($0.jsonMembers(nameOfPoint: name(of:))) })
    return .object(members)
  }

  /// True where the domain ran: only then its definition has the names by which QEMU knows its devices.
  private var wasRunning: Bool {
    let definition = try? DomainDefinition(parsing: manifest.domainXML)
    return definition?.disks.contains { $0.alias != nil } ?? false
  }

  private func name(of uuid: String) -> String {
    catalog?.point(uuid: uuid)?.manifest.name ?? uuid
  }
}
