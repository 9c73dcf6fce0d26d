// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

/// Snapshots and checkpoints, what volumes stand on, and what a domain has beside its disks.
struct SavedInstantTests {
  @Test func `a snapshot has the disks that do not say no`() throws {
    let snapshot = try SavedInstant(
      parsing: """
        <domainsnapshot><name>s1</name><disks><disk name='vda' snapshot='internal'/>
        <disk name='vdb' snapshot='no'/><disk name='vdc' snapshot='external'/></disks>
        <domain><name>x</name></domain></domainsnapshot>
        """)
    #expect(snapshot.kind == .snapshot)
    #expect(snapshot.name == "s1")
    #expect(["vda", "vdb", "vdc", "vdd"].filter(snapshot.has) == ["vda", "vdc"])
  }

  @Test func `one that does not say has all disks`() throws {
    let snapshot = try SavedInstant(
      parsing: "<domainsnapshot><name>s1</name></domainsnapshot>")
    #expect(snapshot.has("vda"))
  }

  @Test func `a checkpoint has the disks that have a bitmap of it`() throws {
    let checkpoint = try SavedInstant(
      parsing: """
        <domaincheckpoint><name>c</name><disks><disk name='vda' checkpoint='bitmap' bitmap='c'/>
        <disk name='vdb' checkpoint='no'/></disks></domaincheckpoint>
        """)
    #expect(checkpoint.kind == .checkpoint)
    #expect(["vda", "vdb"].filter(checkpoint.has) == ["vda"])
  }

  @Test(arguments: ["<domain><name>x</name></domain>", "<domainsnapshot/>", "x"])
  func `anything else is refused`(text: String) {
    #expect(throws: DomainXMLError.self) { try SavedInstant(parsing: text) }
  }

  @Test(arguments: [
    ("<volume><backingStore><path>/a/b</path></backingStore></volume>", "/a/b" as String?),
    ("<volume><backingStore/></volume>", nil), ("<volume/>", nil),
  ])
  func `what a volume stands on`(text: String, path: String?) throws {
    #expect(try VolumeBacking(parsing: text).path == path)
  }

  @Test(arguments: [
    ("<os/><devices/>", nil as DomainDefinition.NVRAM?, nil as DomainDefinition.TPM?),
    ("<os><nvram template='/t'>/x</nvram></os>", .init(path: "/x"), nil),
    (
      "<os><nvram type='file' format='qcow2'><source file='/x'/></nvram></os>",
      .init(path: "/x", format: "qcow2"), nil
    ),
    (
      "<os><nvram type='network'><source protocol='nbd' name='x'/></nvram></os>",
      .init(path: nil, isFile: false), nil
    ),
    (
      "<os firmware='efi'/><devices><tpm><backend type='emulator'/></tpm></devices>",
      .init(path: nil), .init(version: "2.0")
    ),
    ("<os firmware='efi'><loader stateless='yes'/></os>", nil, nil),
    ("<os firmware='bios'/>", nil, nil),
    (
      "<devices><tpm><backend type='emulator' version='1.2'><source type='dir' path='/x'/></backend>"
        + "</tpm></devices>", nil, .init(version: "1.2", hasSource: true)
    ),
    ("<devices><tpm><backend type='passthrough'/></tpm></devices>", nil, nil),
  ])
  func `what is on no disk`(
    text: String, nvram: DomainDefinition.NVRAM?, tpm: DomainDefinition.TPM?
  ) throws {
    let definition = try DomainDefinition(
      parsing: "<domain><name>n</name><uuid>\(Samples.domainUUID)</uuid>\(text)</domain>")
    #expect(definition.nvram == nvram)
    #expect(definition.tpm == tpm)
  }

  @Test(arguments: [
    (
      #"qemu -blockdev '{"driver":"file","filename":"/a/b_VARS.fd","node-name":"libvirt-pflash1-storage"}' -S"#,
      "/a/b_VARS.fd" as String?
    ),
    (
      #"qemu -blockdev '{"filename":"/a/CODE.fd","node-name":"libvirt-pflash0-storage"}' -blockdev '{"filename":"/it'\''s b.fd","node-name":"libvirt-pflash1-storage"}'"#,
      "/it's b.fd"
    ),
    (#"qemu -blockdev '{"filename":"b.fd","node-name":"libvirt-pflash1-storage"}'"#, nil),
    (#"qemu -blockdev '{"filename":"/b.fd","node-name":"libvirt-1-storage"}'"#, nil),
    (#"qemu -blockdev '{"filename":"/b.fd","node-name":"libvirt-pflash1"#, nil), ("", nil),
  ])
  func `a command line tells where libvirt puts the NVRAM`(text: String, path: String?) {
    #expect(NativeArguments(parsing: text).nvram == path)
  }

  @Test(arguments: [
    ("<os><type>hvm</type></os>", "<os><nvram>/a/n.fd</nvram><type>hvm</type></os>"),
    (
      "<os><loader>/l</loader><nvram type='file' template='/t'><source file='/x'/></nvram></os>",
      "<os><loader>/l</loader><nvram template='/t'>/a/n.fd</nvram></os>"
    ),
    (
      "<os><loader>/l</loader><boot/></os>",
      "<os><loader>/l</loader><nvram>/a/n.fd</nvram><boot/></os>"
    ),
  ])
  func `the NVRAM gets another place`(text: String, expected: String) throws {
    let head = "<name>n</name><uuid>\(Samples.domainUUID)</uuid>"
    #expect(
      try DomainDefinition.normalized(
        RestoredDefinition.placingNVRAM(at: "/a/n.fd", in: "<domain>\(head)\(text)</domain>"))
        == DomainDefinition.normalized("<domain>\(head)\(expected)</domain>"))
    #expect(throws: DomainXMLError.self) {
      try RestoredDefinition.placingNVRAM(at: "n.fd", in: "<domain/>")
    }
  }

  @Test func `sources alone are replaced where the definition stays`() throws {
    let text = """
      <domain type='kvm' id='3'><name>n</name><uuid>33333333-3333-4333-8333-333333333333</uuid>
      <genid>33333333-3333-4333-8333-333333333334</genid><devices>
      <disk type='file' device='disk'><source file='/a'/><backingStore type='file'/><target dev='vda'/></disk>
      <disk type='file' device='disk'><driver type='raw'/><source file='/b'/><target dev='vdb'/></disk>
      </devices></domain>
      """
    let result = try RestoredDefinition(
      disks: [.init(target: "vdb", source: .block("/dev/x"), format: "raw")]
    ).replaceSources(in: text)
    let expected = try DomainDefinition.normalized(
      text.replacing("<genid>33333333-3333-4333-8333-333333333334</genid>", with: "<genid/>")
        .replacing(
          "<disk type='file' device='disk'><driver",
          with: "<disk type='block' device='disk'><driver"
        )
        .replacing("<source file='/b'/>", with: "<source dev='/dev/x'/>"))
    #expect(try DomainDefinition.normalized(result) == expected)
    #expect(throws: DomainXMLError.self) {
      try RestoredDefinition(
        disks: [.init(target: "vdc", source: .file("/x"), format: "raw")]
      ).replaceSources(in: text)
    }
  }
}
