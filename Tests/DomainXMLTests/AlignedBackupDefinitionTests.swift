// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

/// What a document becomes beside a domain.
struct AlignedBackupDefinitionTests {
  /// Disks of every kind: vda and vdb to back up, an empty drive, a medium and a read-only disk.
  private static let domain = DomainDefinition(
    name: "web1", uuid: Samples.domainUUID, type: "kvm", emulator: nil, architecture: nil,
    securityLabels: [],
    disks: [
      disk("vda", .file("/images/a.qcow2")), disk("sda", .none, device: "cdrom"),
      disk("vdb", .block("/dev/b")),
      disk("sdb", .file("/x.iso"), device: "cdrom", isReadOnly: true),
      disk("vdc", .other(type: "network"), isReadOnly: true),
    ])

  private static func disk(
    _ target: String, _ source: DomainDefinition.Source, device: String = "disk",
    isReadOnly: Bool = false
  ) -> DomainDefinition.Disk {
    .init(
      target: target, bus: "virtio", device: device,
      chain: [.init(source: source, format: "qcow2", index: 1)], isReadOnly: isReadOnly)
  }

  private func aligned(_ text: String, isAutomatic: Bool = false) throws -> String {
    let definition = try BackupDefinition(parsing: text)
    let aligned = try definition.aligned(with: Self.domain, isAutomatic: isAutomatic)
    let written = try aligned.xml()
    let again = try BackupDefinition(parsing: written)
    #expect(again == aligned)
    #expect(try again.aligned(with: Self.domain, isAutomatic: isAutomatic).xml() == written)
    return written
  }

  private static let leftOut = ["sda", "sdb", "vdc"].map {
    "    <disk name='\($0)' backup='no'/>\n"
  }

  @Test
  func `without a list all disks with writable media take part`() throws {
    let disk = { (name: String) in
      """
          <disk name='\(name)' backup='yes' type='file' backupmode='full'>
            <driver type='qcow2'/>
          </disk>
          <disk name='sd\(name.last ?? "?")' backup='no'/>

      """
    }
    #expect(
      try aligned("<domainbackup/>")
        == "<domainbackup mode='push'>\n  <disks>\n" + disk("vda") + disk("vdb")
        + "    <disk name='vdc' backup='no'/>\n  </disks>\n</domainbackup>\n")
  }

  @Test
  func `the listed come first as they are listed, the others are left out in the domain's order`()
    throws
  {
    let text = try aligned(
      """
      <domainbackup><incremental>c1</incremental><disks><disk name='vdc'/>
      <disk name='vda' type='file' backupmode='full'><target file='/t'/><driver type='raw'/></disk>
      <disk name='sdb' incremental='c0'/></disks></domainbackup>
      """)
    #expect(
      text == """
        <domainbackup mode='push'>
          <incremental>c1</incremental>
          <disks>
            <disk name='vdc' backup='yes' type='file' backupmode='incremental' incremental='c1'>
              <driver type='qcow2'/>
            </disk>
            <disk name='vda' backup='yes' type='file' backupmode='full'>
              <driver type='raw'/>
              <target file='/t'/>
            </disk>
            <disk name='sdb' backup='yes' type='file' backupmode='incremental' incremental='c0'>
              <driver type='qcow2'/>
            </disk>
            <disk name='sda' backup='no'/>
            <disk name='vdb' backup='no'/>
          </disks>
        </domainbackup>

        """)
  }

  @Test
  func `pull mode gets names for its exports and bitmaps`() throws {
    let text = try aligned(
      """
      <domainbackup mode='pull'><server name='localhost'/><disks>
      <disk name='vda' incremental='s1'><scratch file='/s'/></disk>
      <disk name='vdb' exportname='e' exportbitmap='b'/></disks></domainbackup>
      """)
    #expect(
      text == """
        <domainbackup mode='pull'>
          <server transport='tcp' name='localhost'/>
          <disks>
            <disk name='vda' backup='yes' type='file' backupmode='incremental' incremental='s1' \
        exportname='vda' exportbitmap='backup-vda'>
              <driver type='qcow2'/>
              <scratch file='/s'/>
            </disk>
            <disk name='vdb' backup='yes' type='file' backupmode='full' exportname='e' \
        exportbitmap='b'/>

        """ + Self.leftOut.joined() + "  </disks>\n</domainbackup>\n")
  }

  @Test
  func `a mode that nothing is said of can stay open`() throws {
    let text = "<domainbackup><disks><disk name='vda'/></disks></domainbackup>"
    #expect(
      try aligned(text).contains("<disk name='vda' backup='yes' type='file' backupmode='full'>"))
    #expect(
      try aligned(text, isAutomatic: true).contains("<disk name='vda' backup='yes' type='file'>"))
  }

  @Test(arguments: [
    ("<disk name='vdz'/>", "no disk named 'vdz'"),
    ("<disk name='vda'/><disk name='vda' backup='no'/>", "disk 'vda' specified twice"),
    ("<disk name='sda'/>", "disk 'sda' has no media"),
    (
      "<disk name='vdb' backupmode='incremental'/>",
      "'incremental' backup mode of disk 'vdb' requires setting 'incremental' field for disk or backup"
    ),
    ("<disk name='vda' backup='no'/>", "no disks selected for backup"),
    ("<disk name='sda'/><disk name='vdz'/>", "disk 'sda' has no media"),
  ])
  func `what does not fit the domain is refused in libvirt's words`(disks: String, words: String) {
    let error = #expect(throws: DomainXMLError.self) {
      try aligned("<domainbackup><disks>\(disks)</disks></domainbackup>")
    }
    #expect(error?.description == "unsupported configuration: " + words)
  }

  @Test
  func `a domain without disks has nothing to back up`() throws {
    var domain = Self.domain
    domain.disks = []
    let error = #expect(throws: DomainXMLError.self) {
      try BackupDefinition().aligned(with: domain)
    }
    #expect(
      error?.description
        == "unsupported configuration: domain must have at least one disk to perform backup")
  }
}
