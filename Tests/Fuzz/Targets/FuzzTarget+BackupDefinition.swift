// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension FuzzTarget {
  /// `<domainbackup>` documents, which users and other programs write.
  static let backupDefinition = FuzzTarget(name: "backup-definition") { bytes in
    guard let definition = try BackupDefinition.checked(bytes) else { return }
    for domain in domains {
      guard let aligned = try? definition.aligned(with: domain) else { continue }
      let text = "\(definition) aligned with \(domain.name)"
      try expect((aligned.disks ?? []).map(\.name).isUnique, "a disk is there once: \(text)")
      try expect(
        Set(domain.disks.map(\.target)).isSubset(of: (aligned.disks ?? []).map(\.name)),
        "every disk of the domain is spoken of: \(text)")
      let again = try BackupDefinition.checked(Array(try aligned.xml().utf8))
      try expect(
        try again?.aligned(with: domain) == aligned, "what is complete stays as it is: \(text)")
    }
  }

  /// Domains with disks of the kinds that make a difference.
  private static let domains: [DomainDefinition] = {
    let disks = [
      "<disk type='file' device='disk'><source file='/a/vda'/><target dev='vda'/></disk>",
      "<disk type='block' device='disk'><source dev='/dev/b'/><target dev='vdb'/></disk>",
      "<disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>",
    ]
    return [disks, Array(disks.prefix(1)), []].compactMap { disks in
      try? DomainDefinition(
        parsing: """
          <domain type='qemu'><name>d\(disks.count)</name>
          <uuid>8c9e5b1c-0a3d-4c57-9d0e-2f6b5a1d7e34</uuid>
          <os><type arch='x86_64'>hvm</type></os>
          <devices>\(disks.joined())</devices></domain>
          """)
    }
  }()
}

extension BackupDefinition {
  /// Reads a text, writes what it says and reads that again.
  ///
  /// - Parameter bytes: Any bytes.
  /// - Returns: The document; nil where it is refused.
  /// - Throws: ``FuzzFailure`` when something was lost or changed on the way.
  @discardableResult
  package static func checked(_ bytes: [UInt8]) throws -> BackupDefinition? {
    let definition: BackupDefinition
    do {
      definition = try BackupDefinition(parsing: bytes)
    } catch {
      try expect(!error.description.isEmpty, "a refusal has words: \(bytes)")
      return nil
    }
    let written = try definition.xml()
    let again = try BackupDefinition(parsing: written)
    try expect(again == definition, "a document is read back: \(written)")
    try expect(try again.xml() == written, "writing is stable: \(written)")
    return definition
  }
}

extension [String] {
  /// Whether no element is there twice.
  fileprivate var isUnique: Bool { Set(self).count == count }
}
