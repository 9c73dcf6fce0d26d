// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FuzzTargets
import Testing

@testable import DomainXML

/// Our verdict on documents beside that of libvirt's schema.
struct BackupDefinitionSchemaTests {
  private static let schema = RelaxNGSchema.libvirt("domainbackup")

  /// The document with what we accept beyond the schema spelled out.
  private func withoutExtensions(_ root: XMLElement) -> XMLElement {
    var root = root
    let isPull = root["mode"] == "pull"
    root.forEachElement("disks") { disks in
      disks.forEachElement("disk") { disk in
        if disk["type"] == nil, disk["backup"] != "no", !isPull || disk["backup"] == "yes" {
          disk["type"] = "file"
        }
      }
    }
    return root
  }

  @Test(.enabled(if: schema != nil), arguments: 0..<8)
  func `what the schema accepts we accept, and no more but for what is named`(
    seed: UInt64
  ) throws {
    let schema = try #require(Self.schema)
    var generator = BackupDocumentGenerator(seed: seed)
    let documents = (0..<1000).map { _ in generator.document() }
    let texts = try documents.map { try $0.xml() }
    let plain = try documents.map { try withoutExtensions($0).xml() }
    var accepted = 0
    for (index, verdict) in schema.validate(plain).enumerated() {
      let ours = try BackupDefinition.checked(Array(texts[index].utf8))
      #expect((ours != nil) == (verdict == .valid), "\(texts[index])")
      if ours != nil { accepted += 1 }
    }
    // What is spelled out was no error before.
    let changed = zip(texts, plain).filter { $0 != $1 }
    for (pair, verdict) in zip(changed, schema.validate(changed.map(\.0))) where verdict == .valid {
      #expect(schema.validate(pair.1) == .valid)
    }
    #expect((200...800).contains(accepted), "of both there are enough: \(accepted)")
  }

  @Test(.enabled(if: schema != nil))
  func `what we write the schema accepts`() throws {
    let schema = try #require(Self.schema)
    var generator = BackupDocumentGenerator(seed: 99)
    var written: [String] = []
    while written.count < 300 {
      let text = try generator.document().xml()
      guard let definition = try? BackupDefinition(parsing: text) else { continue }
      written.append(try definition.xml())
    }
    for (text, verdict) in zip(written, schema.validate(written)) {
      #expect(verdict == .valid, "\(text)")
    }
  }
}
