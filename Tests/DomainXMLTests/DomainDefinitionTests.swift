// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct DomainDefinitionTests {
  @Test
  func `A running domain's definition is read`() throws {
    let definition = try DomainDefinition(parsing: Samples.liveDomain)
    #expect(definition.name == "web1")
    #expect(definition.uuid == Samples.domainUUID)
    #expect(definition.type == "kvm")
    #expect(definition.emulator == "/usr/bin/qemu-system-x86_64")
    #expect(definition.architecture == "x86_64")
    #expect(
      definition.securityLabels == [
        .init(
          model: "apparmor", label: "libvirt-\(Samples.domainUUID)",
          imageLabel: "libvirt-\(Samples.domainUUID)"),
        .init(model: "dac", label: "+64055:+64055", imageLabel: "+64055:+109"),
      ])
    #expect(definition.imageOwner == FileOwner(owner: 64055, group: 109))
    #expect(definition.disks.map(\.target) == ["vda", "vdb", "sda", "sdb"])
    #expect(
      definition.disks[0]
        == .init(
          target: "vda", bus: "virtio", device: "disk",
          chain: [
            .init(source: .file("/images/web1.snap"), format: "qcow2", index: 4),
            .init(source: .file("/images/web1.qcow2"), format: "qcow2", index: 2),
            .init(source: .block("/dev/vg/base"), format: "raw", index: 3),
          ], alias: "virtio-disk0"))
    #expect(definition.disks[1].source == .volume(pool: "default", name: "web1-vdb"))
    #expect(definition.disks[1].format == "raw")
    #expect(definition.disks[2].source == DomainDefinition.Source.none)
    #expect(definition.disks[2].device == "cdrom")
    #expect(definition.disks[2].isReadOnly)
    #expect(definition.disks[3].source == .other(type: "network"))
    #expect(definition.disks[3].isEncrypted)
    #expect(definition.disks[3].isTransient)
  }

  @Test(arguments: [
    ("<disk><target dev='a'/></disk>", DomainDefinition.Source.none, nil as String?, false),
    (
      "<disk type='file'><source startupPolicy='optional'/><target dev='a'/></disk>", .none, nil,
      false
    ),
    ("<disk><source file='/x'/><target dev='a'/></disk>", .file("/x"), nil, false),
    ("<disk type='block'><target dev='a'/></disk>", .none, nil, false),
    ("<disk type='volume'><source pool='p'/><target dev='a'/></disk>", .none, nil, false),
    (
      "<disk type='nvme'><source type='pci'/><target dev='a'/></disk>", .other(type: "nvme"), nil,
      false
    ),
    (
      "<disk type='file'><encryption format='luks'/><driver type='raw'/><source file='/x'/><target dev='a'/></disk>",
      .file("/x"), "raw", true
    ),
  ])
  func `Disks of all kinds are read`(
    disk: String, source: DomainDefinition.Source, format: String?, isEncrypted: Bool
  ) throws {
    let definition = try DomainDefinition(
      parsing:
        "<domain><name>a</name><uuid>\(Samples.domainUUID.uppercased())</uuid><devices>\(disk)</devices></domain>"
    )
    #expect(definition.uuid == Samples.domainUUID)
    #expect(definition.disks.first?.source == source)
    #expect(definition.disks.first?.format == format)
    #expect(definition.disks.first?.isEncrypted == isEncrypted)
  }

  @Test(arguments: [
    "<network/>", "<domain/>", "<domain><name>a</name></domain>",
    "<domain><name/><uuid>\(Samples.domainUUID)</uuid></domain>",
    "<domain><uuid>\(Samples.domainUUID)</uuid></domain>",
    "<domain><name>a</name><uuid>1</uuid></domain>",
    "<domain xmlns='urn:x'><name>a</name><uuid>\(Samples.domainUUID)</uuid></domain>",
    "<domain><name>a</name><uuid>\(Samples.domainUUID)</uuid><devices><disk/></devices></domain>",
  ])
  func `What is no definition is refused`(text: String) {
    let error = #expect(throws: DomainXMLError.self) { try DomainDefinition(parsing: text) }
    #expect(error?.reason == .invalid)
  }

  @Test
  func `The normal form is one and the same`() throws {
    let normal = try DomainDefinition.normalized(Samples.domain + "\n")
    #expect(try DomainDefinition.normalized(normal) == normal)
    #expect(try DomainDefinition(parsing: normal) == DomainDefinition(parsing: Samples.domain))
  }
}
