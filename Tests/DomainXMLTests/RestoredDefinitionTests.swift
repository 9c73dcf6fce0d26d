// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

/// A generator that counts.
private struct Counter: RandomNumberGenerator {
  private var value: UInt64 = 0
  mutating func next() -> UInt64 {
    value &+= 0x0101_0101_0101_0101
    return value
  }
}

/// A generator that says everything twice: three numbers, and the same three again.
private struct Stutterer: RandomNumberGenerator {
  private var calls: UInt64 = 0
  mutating func next() -> UInt64 {
    defer { calls += 1 }
    return (calls / 6 * 3 + calls % 3 + 1) &* 0x0101_0101_0101_0101
  }
}

struct RestoredDefinitionTests {
  @Test
  func `What only a running domain has is gone, all else stays`() throws {
    let text = try RestoredDefinition(disks: []).apply(to: Samples.liveDomain)
    for part in [
      "id='7'", "virtio-disk0", "net0", "backingStore", "index='4'", "seclabel", "vnet3", "portid",
      "virbr0", "/dev/pts", "tty", "guest_agent.0'/>\n      <target", "state=", "5901", "192.0.2.1",
      "vb:operation", "77777777",
    ] {
      #expect(!text.contains(part), "\(part)")
    }
    for part in [
      "<app:info xmlns:app='http://example.org/app'>kept</app:info>", "<genid/>", "ua-data",
      "<name>web1</name>\n  <uuid>\(Samples.domainUUID)</uuid>", "<target dev='tap-web1'/>",
      "<interface type='network'>\n      <mac address='52:54:00:11:22:33'/>\n      <source network='default'/>\n      <model",
      "<source bridge='br0'/>", "port='-1' autoport='yes'", "port='5911' autoport='no'",
      "/sockets/web1.sock", "web1_VARS.fd", "<source file='/images/web1.snap'/>",
      "<source pool='default' volume='web1-vdb'/>", "address type='pci'", "interfaceid",
      "<cid auto='no' address='42'/>", "<backend model='random'>/dev/urandom</backend>",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
    #expect(try RestoredDefinition(disks: []).apply(to: text) == text)
  }

  @Test
  func `Sources of any kind are replaced`() throws {
    let text = try RestoredDefinition(disks: [
      .init(target: "vda", source: .file("/new/a 'b'.qcow2"), format: "qcow2"),
      .init(target: "vdb", source: .file("/new/b.img"), format: "qcow2"),
      .init(target: "sdb", source: .block("/dev/vg/c"), format: "raw"),
    ]).apply(to: Samples.liveDomain)
    let disks = try DomainDefinition(parsing: text).disks
    #expect(disks.map(\.target) == ["vda", "vdb", "sda", "sdb"])
    #expect(
      disks[0].chain == [.init(source: .file("/new/a 'b'.qcow2"), format: "qcow2", index: nil)])
    #expect(disks[1].chain == [.init(source: .file("/new/b.img"), format: "qcow2", index: nil)])
    #expect(disks[2].source == DomainDefinition.Source.none)
    #expect(disks[3].chain == [.init(source: .block("/dev/vg/c"), format: "raw", index: nil)])
    #expect(!disks[3].isEncrypted)
    #expect(!text.contains("<auth"))
    #expect(
      text.contains("<driver name='qemu' type='qcow2' discard='unmap'/>\n      <source file="))
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
  }

  @Test
  func `A disk without a driver gets one, and a LUN in a file is a disk`() throws {
    let definition = """
      <domain><name>a</name><uuid>\(Samples.domainUUID)</uuid><devices>
        <disk type='block' device='lun' rawio='yes' sgio='filtered'>
          <source dev='/dev/sdx'><reservations managed='yes'/></source>
          <target dev='sda' bus='scsi'/>
        </disk>
        <disk type='file'>
          <driver name='qemu' type='qcow2'>
            <metadata_cache><max_size>1</max_size></metadata_cache>
          </driver>
          <source file='/x'/>
          <target dev='sdb' bus='scsi'/>
        </disk>
      </devices></domain>
      """
    let text = try RestoredDefinition(disks: [
      .init(target: "sda", source: .file("/y"), format: "raw"),
      .init(target: "sdb", source: .volume(pool: "p", name: "v"), format: "raw"),
    ]).apply(to: definition)
    #expect(
      text.contains(
        """
          <disk type='file' device='disk'>
            <driver name='qemu' type='raw'/>
            <source file='/y'/>
            <target dev='sda' bus='scsi'/>
          </disk>
          <disk type='volume'>
            <driver name='qemu' type='raw'/>
            <source pool='p' volume='v'/>
        """))
  }

  @Test
  func `Disks are removed`() throws {
    let text = try RestoredDefinition(disks: [], removedDisks: ["vdb", "sdb"])
      .apply(to: Samples.liveDomain)
    #expect(try DomainDefinition(parsing: text).disks.map(\.target) == ["vda", "sda"])
  }

  @Test
  func `A copy can live beside the original`() throws {
    let copy = RestoredDefinition(
      disks: [
        .init(target: "vda", source: .file("/new/a"), format: "qcow2"),
        .init(target: "vdb", source: .file("/new/b"), format: "qcow2"),
      ], removedDisks: ["sdb"], copy: .init(name: "web2 <&>", uuid: Samples.pointUUID.uppercased()))
    var generator = Counter()
    let text = try copy.apply(to: Samples.liveDomain, using: &generator)
    let definition = try DomainDefinition(parsing: text)
    #expect(definition.name == "web2 <&>")
    #expect(definition.uuid == Samples.pointUUID)
    for part in [
      Samples.domainUUID, "web1", "52:54:00:11:22:33", "00:11:22:33:44:55", "interfaceid",
      "/sockets", "5911", "smbios'>\n    <system", "address='42'", "77777777",
    ] {
      #expect(!text.contains(part), "\(part)")
    }
    for part in [
      "<mac address='52:54:00:01:02:03'/>", "<mac address='52:54:00:04:05:06'/>",
      "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>", "<cid auto='yes'/>", "kept",
      "<graphics type='spice' port='-1' autoport='yes'>", "<virtualport type='openvswitch'/>",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
  }

  @Test
  func `Two interfaces never get one address`() throws {
    var generator = Stutterer()
    let text = try RestoredDefinition(disks: [], copy: .init(name: "b", uuid: Samples.pointUUID))
      .apply(to: Samples.liveDomain, using: &generator)
    #expect(text.contains("52:54:00:01:02:03"))
    #expect(text.contains("52:54:00:04:05:06"))
  }

  @Test
  func `Two copies have different addresses`() throws {
    let copy = RestoredDefinition(disks: [], copy: .init(name: "b", uuid: Samples.pointUUID))
    #expect(try copy.apply(to: Samples.liveDomain) != copy.apply(to: Samples.liveDomain))
  }

  @Test
  func `NVRAM in other forms is left to libvirt as well`() throws {
    let definition = """
      <domain><name>a</name><uuid>\(Samples.domainUUID)</uuid><os><nvram type='file'>
      <source file='/n'/></nvram></os><devices><serial type='file'><source path='/log/a.log'/>
      <log file='/log/a/a'/></serial></devices></domain>
      """
    let text = try RestoredDefinition(disks: [], copy: .init(name: "b", uuid: Samples.pointUUID))
      .apply(to: definition)
    #expect(!text.contains("nvram"))
    #expect(text.contains("path='/log/b.log'"))
    #expect(text.contains("file='/log/b/b'"))
  }

  static let impossible: [RestoredDefinition] = [
    .init(disks: [.init(target: "vdz", source: .file("/a"), format: "raw")]),
    .init(disks: [.init(target: "vda", source: .file("a"), format: "raw")]),
    .init(disks: [.init(target: "vda", source: .file("/a/../b"), format: "raw")]),
    .init(disks: [.init(target: "vda", source: .file("/a"), format: "")]),
    .init(disks: [.init(target: "vda", source: .none, format: "raw")]),
    .init(disks: [.init(target: "vda", source: .other(type: "nvme"), format: "raw")]),
    .init(
      disks: [
        .init(target: "vda", source: .file("/a"), format: "raw"),
        .init(target: "vda", source: .file("/b"), format: "raw"),
      ]),
    .init(disks: [], removedDisks: ["vdz"]),
    .init(disks: [], copy: .init(name: "web1", uuid: Samples.pointUUID)),
    .init(disks: [], copy: .init(name: "", uuid: Samples.pointUUID)),
    .init(disks: [], copy: .init(name: "b", uuid: Samples.domainUUID)),
    .init(disks: [], copy: .init(name: "b", uuid: "x")),
  ]

  @Test(arguments: impossible)
  func `What cannot be is refused`(restored: RestoredDefinition) {
    #expect(throws: DomainXMLError.self) { try restored.apply(to: Samples.liveDomain) }
  }
}
