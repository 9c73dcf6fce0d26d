// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

extension FuzzTarget {
  /// Definitions, and libvirt's other documents that we read.
  static let domain = FuzzTarget(name: "domain") { bytes in
    let document = text(bytes)
    _ = try? HostCapabilities(parsing: document)
    _ = try? HostCapabilities.emulators(in: document)
    _ = try? HelperDefinition.client(in: document)
    _ = try? PoolDefinition(parsing: document)
    _ = try? VolumeTimes(parsing: document)
    for policy in [try? Policy(parsing: document), try? Policy.policy(inDefinition: document)] {
      guard let policy else { continue }
      try expect(
        try Policy(parsing: policy.xml()) == policy, "a policy that is read is one: \(document)")
    }
    guard let definition = try? DomainDefinition(parsing: document) else { return }
    try checkRestored(document, definition)
  }

  private static func checkRestored(_ document: String, _ definition: DomainDefinition) throws {
    let copy = RestoredDefinition.Copy(
      name: "copy", uuid: "11111111-2222-4333-8444-555555555555")
    let disks = definition.disks.map { disk in
      RestoredDefinition.Disk(
        target: disk.target, source: .file("/restored/\(disk.target).img"), format: "raw")
    }
    guard let restored = try? RestoredDefinition(disks: disks, copy: copy).apply(to: document)
    else { return }
    let result = try DomainDefinition(parsing: restored)
    try expect(
      result.name == copy.name && result.uuid == copy.uuid, "a copy is another: \(document)")
    for disk in result.disks where disk.chain.count > 1 {
      throw FuzzFailure(description: "a restored disk stands alone: \(document)")
    }
    _ = try DomainDefinition.offenders(
      in: document, restoring: Set(disks.map(\.target)), emulators: [])
  }
}
