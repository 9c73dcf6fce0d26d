// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct LayeredDefinitionTests {
  private static let text = """
    <domain type='qemu'>
      <name>d</name>
      <uuid>11111111-2222-3333-4444-555555555555</uuid>
      <devices>
        <disk type='volume' device='disk'>
          <driver name='qemu' type='qcow2'/>
          <source pool='default' volume='a'/>
          <target dev='vda' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <driver name='qemu' type='qcow2'/>
          <source file='/images/b &amp; c'/>
          <target dev='vdb' bus='virtio'/>
        </disk>
        <disk type='file' device='disk'>
          <source file='/images/d'/>
          <backingStore/>
          <target dev='vdc' bus='virtio'/>
        </disk>
      </devices>
    </domain>

    """

  private static func layered(_ disks: LayeredDefinition.Disk...) throws -> String {
    try LayeredDefinition(disks: disks).applied(to: text)
  }

  private static let two: [LayeredDefinition.Disk] = [
    .init(
      target: "vda", path: "/images/a",
      layers: [
        .init(path: "/pool/2.qcow2", keepsOwner: true),
        .init(path: "/pool/1.qcow2", keepsOwner: false),
      ]),
    .init(
      target: "vdb", path: "/images/b & c",
      layers: [.init(path: "/pool/b<1>.qcow2", keepsOwner: false)]),
  ]

  @Test
  func `Disks stand on what is named, and on nothing else`() throws {
    let text = try LayeredDefinition(disks: Self.two).applied(to: Self.text)
    let disks = try DomainDefinition(parsing: text).disks
    #expect(disks.count == 3)
    #expect(
      disks[0].chain.map(\.source) == [
        .file("/images/a"), .file("/pool/2.qcow2"), .file("/pool/1.qcow2"),
      ])
    #expect(disks[0].chain.map(\.format) == ["qcow2", "qcow2", "qcow2"])
    #expect(disks[1].chain.map(\.source) == [.file("/images/b & c"), .file("/pool/b<1>.qcow2")])
    #expect(disks[2].chain.map(\.source) == [.file("/images/d")])
    // The innermost layer of each is said to stand on nothing.
    #expect(text.ranges(of: "<backingStore/>").count == 3)
    #expect(
      text.contains(
        "<source file='/pool/2.qcow2'><seclabel model='dac' relabel='no'/></source>"))
    #expect(text.ranges(of: "relabel").count == 1)
  }

  @Test
  func `A disk that is not there cannot stand on anything, nor can one on half a path`() {
    #expect(throws: DomainXMLError.self) {
      try Self.layered(.init(target: "vdx", path: "/a", layers: []))
    }
    #expect(throws: DomainXMLError.self) {
      try Self.layered(
        .init(target: "vda", path: "/a", layers: [.init(path: "pool/1", keepsOwner: false)]))
    }
    #expect(throws: DomainXMLError.self) {
      try Self.layered(.init(target: "vda", path: "a", layers: []))
    }
  }

  @Test
  func `What is said of backing files goes, where the disk still has its image`() throws {
    let text = try LayeredDefinition(disks: Self.two).applied(to: Self.text)
    let freed = try #require(
      try LayeredDefinition.freed(text, images: ["vda": "/images/a", "vdb": "/images/other"]))
    let disks = try DomainDefinition(parsing: freed).disks
    #expect(disks.map(\.chain.count) == [1, 2, 1])
    #expect(freed.ranges(of: "<backingStore/>").count == 2)
    #expect(try LayeredDefinition.freed(freed, images: ["vda": "/images/a"]) == nil)
  }
}
