// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import QMP

extension Point {
  /// The point as an object of `backup-list --json`.
  ///
  /// - Parameters:
  ///   - pool: Name of the pool.
  ///   - state: What the list says of it.
  ///   - parent: Name of the parent; nil for none.
  ///   - verification: What checks of it have shown.
  /// - Returns: The object.
  func json(
    pool: String, state: String, parent: String?, verification: Verification?
  ) -> JSONValue {
    var members = jsonMembers(pool: pool, state: state, parent: parent)
    members["verified"] = Verification.json(verification)
    return .object(members)
  }

  /// The state of the point, in the word that lists have for it.
  ///
  /// - Parameter problems: What is wrong with the volumes it needs, as far as somebody looked.
  /// - Returns: `complete`, `missing volume` or `damaged`.
  func state(_ problems: [Inspection.Problem]) -> String {
    guard isComplete, !problems.contains(where: \.isMissing) else { return "missing volume" }
    return problems.isEmpty ? "complete" : "damaged"
  }

  /// The same as far as it is known without a look at the volumes.
  ///
  /// - Parameter isDamaged: True where comparing found damage.
  /// - Returns: `complete`, `missing volume` or `damaged`.
  func state(isDamaged: Bool) -> String {
    isComplete && isDamaged ? "damaged" : state([])
  }

  /// The members of that object.
  func jsonMembers(pool: String, state: String, parent: String?) -> [String: JSONValue] {
    [
      "name": .string(manifest.name), "uuid": .string(manifest.uuid),
      "domain": .string(manifest.domainName), "domain_uuid": .string(manifest.domainUUID),
      "pool": .string(pool),
      "created": .string(UTCTime(secondsSince1970: manifest.creationTime).rfc3339),
      "type": .string(type.rawValue), "state": .string(state),
      "parent": parent.map(JSONValue.string) ?? .null, "size": .int(Int64(clamping: size)),
      "disks": .array(manifest.disks.map { .string($0.name) }),
      "protected": .bool(manifest.isProtected),
      "host": hostTitle.map(JSONValue.string) ?? .null,
      "description": manifest.description.map(JSONValue.string) ?? .null,
    ]
  }
}

extension Manifest.Disk {
  /// The members of a disk's object in the documents of `backup-info` and `backup-create`.
  ///
  /// - Parameter name: Finds the name of the point with a UUID.
  /// - Returns: The members.
  func jsonMembers(nameOfPoint name: (String) -> String) -> [String: JSONValue] {
    [
      "name": .string(self.name), "mode": .string(mode.rawValue),
      "parent": parent.map { .string(name($0)) } ?? .null,
      "reason_code": reasonCode.map(JSONValue.string) ?? .null,
      "reason": reason.map(JSONValue.string) ?? .null,
      "capacity": .int(Int64(clamping: capacity)),
      "size": .int(Int64(clamping: volume.size)), "volume": .string(volume.name),
    ]
  }
}
