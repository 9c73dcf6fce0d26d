// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FuzzTargets
import Testing

@testable import DomainXML

/// Documents that mean harm.
struct HostileBackupDefinitionTests {
  private func disk(_ attributes: String, _ content: String = "") -> String {
    "<domainbackup><disks><disk \(attributes)>\(content)</disk></disks></domainbackup>"
  }

  @Test(arguments: [
    XMLElementTests.billionLaughs,
    "<!DOCTYPE domainbackup [<!ENTITY x 'push'>]><domainbackup mode='&x;'/>",
    "<!DOCTYPE domainbackup SYSTEM 'http://127.0.0.1:1/x.dtd'><domainbackup/>",
    "<!DOCTYPE domainbackup [<!ENTITY x SYSTEM '/etc/passwd'>]><domainbackup>&x;</domainbackup>",
  ])
  func `entities and document types are refused unread`(text: String) {
    let error = #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: text) }
    #expect(error?.reason == .documentType)
  }

  @Test
  func `a hundred megabytes are refused at once`() {
    let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000_000)
    let error = #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: bytes) }
    #expect(error?.description == "XML error: the document is larger than 8 MiB")
  }

  @Test
  func `a line without end is not shown in full`() {
    let text = "<domainbackup " + String(repeating: "x", count: 1_000_000)
    let error = #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: text) }
    #expect((error?.description.count ?? 0) < 2000)
  }

  @Test
  func `deep nesting is refused`() {
    let text =
      "<domainbackup>" + String(repeating: "<a>", count: 100_000)
      + String(repeating: "</a>", count: 100_000) + "</domainbackup>"
    #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: text) }
    let shallow =
      "<domainbackup>" + String(repeating: "<a>", count: 200)
      + String(repeating: "</a>", count: 200) + "</domainbackup>"
    #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: shallow) }
  }

  @Test(
    arguments: [
      [0xFF, 0xFE, 0x3C, 0x00], [0x3C, 0xC3, 0x28], [0x00], Array("<domainbackup/>\0".utf8),
      Array("<domainbackup>\u{1}</domainbackup>".utf8),
      Array("\u{FEFF}\u{FEFF}<domainbackup/>".utf8),
    ] as [[UInt8]])
  func `bytes that are no text are refused`(bytes: [UInt8]) throws {
    #expect(try BackupDefinition.checked(bytes) == nil)
  }

  @Test(arguments: [
    "name=''", "name='vda&#0;'", "name='../vda'", "name='vda\" , \"x'",
    "name='vd{&quot;a&quot;:1}'",
    "name='vda&#10;'", "name='vda' type='file' backup='no'", "name='vdé'", "name='vdа'",
  ])
  func `what could not be a disk's name is refused`(attributes: String) throws {
    #expect(try BackupDefinition.checked(Array(disk(attributes).utf8)) == nil)
  }

  @Test
  func `names with quotes, markup and JSON come out as they went in`() throws {
    let name = #"'"><x y="{"a": [1, "b"]}">&lt;/disk>\ ${HOME} `id`"#
    var definition = BackupDefinition()
    definition.incremental = name
    var disk = BackupDefinition.Disk(name: "vda")
    disk.incremental = name
    disk.store = .init(path: "/" + name)
    definition.disks = [disk]
    let text = try definition.xml()
    #expect(try BackupDefinition(parsing: text) == definition)
  }

  @Test(arguments: [
    "/a/../../etc/passwd", "/a/..", "C:\\x", "/a\tb", "/" + String(repeating: "x", count: 5000),
  ])
  func `a path that the schema accepts and nobody should use is refused for use`(path: String)
    throws
  {
    var definition = BackupDefinition()
    var disk = BackupDefinition.Disk(name: "vda")
    disk.store = .init(path: path)
    definition.disks = [disk]
    #expect(try BackupDefinition(parsing: definition.xml()) == definition)
    let error = #expect(throws: DomainXMLError.self) {
      try definition.aligned(with: DomainDefinition(parsing: Samples.domain))
    }
    #expect(error?.reason == .unsuitable)
  }

  @Test
  func `whatever is cut off or overwritten is refused or read as it stands`() throws {
    var generator = BackupDocumentGenerator(seed: 7)
    for _ in 0..<300 {
      var bytes = Array(try generator.document().xml().utf8)
      bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
        in: 0...255, using: &generator)
      try BackupDefinition.checked(bytes)
      try BackupDefinition.checked(
        Array(bytes.prefix(Int.random(in: bytes.indices, using: &generator))))
    }
  }
}
