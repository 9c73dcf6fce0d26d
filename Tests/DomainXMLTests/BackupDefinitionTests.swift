// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FuzzTargets
import Testing

@testable import DomainXML

struct BackupDefinitionTests {
  /// What the schema does not accept and we do, or what says the same as something longer.
  static let accepted: [(String, String)] = [
    ("<domainbackup/>", "<domainbackup mode='push'/>"),
    ("<domainbackup><incremental/></domainbackup>", "<domainbackup mode='push'/>"),
    (
      "<domainbackup><disks><disk name='vda'/></disks></domainbackup>",
      """
      <domainbackup mode='push'>
        <disks>
          <disk name='vda' backup='yes' type='file'/>
        </disks>
      </domainbackup>
      """
    ),
    (
      """
      <domainbackup mode='pull'><server name='localhost'/><disks><disk backup='yes' name='vda'/>
      <disk name='vdb' backup='no' backupmode='incremental' incremental='x' exportname='y'/>
      </disks></domainbackup>
      """,
      """
      <domainbackup mode='pull'>
        <server transport='tcp' name='localhost'/>
        <disks>
          <disk name='vda' backup='yes' type='file'/>
          <disk name='vdb' backup='no'/>
        </disks>
      </domainbackup>
      """
    ),
    (
      """
      <domainbackup>
        <!-- in any order, and quoted as one likes -->
        <disks>
          <disk incremental="a'b" type="block" name="vda">
            <target dev="/dev/vg/a&amp;b"><encryption format='luks'>
              <cipher name='aes' size='256' mode='cbc' hash='sha256'/><secret usage='s' type='passphrase'/>
              <ivgen name='plain64' hash='sha256'/></encryption>
              <seclabel model='dac' relabel='no'/><seclabel><label>+1:+1</label></seclabel>
              <seclabel labelskip='yes'/>
            </target>
            <driver type='raw'/>
          </disk>
        </disks>
        <incremental>c1</incremental>
      </domainbackup>
      """,
      """
      <domainbackup mode='push'>
        <incremental>c1</incremental>
        <disks>
          <disk name='vda' backup='yes' type='block' incremental='a&apos;b'>
            <driver type='raw'/>
            <target dev='/dev/vg/a&amp;b'>
              <seclabel model='dac' relabel='no'/>
              <seclabel relabel='yes'>
                <label>+1:+1</label>
              </seclabel>
              <seclabel labelskip='yes'/>
              <encryption format='luks'>
                <secret type='passphrase' usage='s'/>
                <cipher name='aes' size='256' mode='cbc' hash='sha256'/>
                <ivgen name='plain64' hash='sha256'/>
              </encryption>
            </target>
          </disk>
        </disks>
      </domainbackup>
      """
    ),
    (
      """
      <domainbackup mode='pull'><server socket='/run/s' transport='unix' tls='no'/><disks>
      <disk name='vda' type='file' backupmode='full' exportname='e' exportbitmap='b'>
      <scratch file='/s'/><driver type='qcow2'/></disk></disks></domainbackup>
      """,
      """
      <domainbackup mode='pull'>
        <server transport='unix' tls='no' socket='/run/s'/>
        <disks>
          <disk name='vda' backup='yes' type='file' backupmode='full' exportname='e' exportbitmap='b'>
            <driver type='qcow2'/>
            <scratch file='/s'/>
          </disk>
        </disks>
      </domainbackup>
      """
    ),
  ]

  @Test(arguments: accepted)
  func `what is accepted is written as libvirt writes it`(text: String, written: String) throws {
    let definition = try #require(try BackupDefinition.checked(Array(text.utf8)))
    #expect(try definition.xml() == written + "\n")
  }

  @Test
  func `everything a document says is there`() throws {
    let definition = try BackupDefinition(parsing: Self.accepted[5].0)
    #expect(definition.mode == .pull)
    #expect(definition.server == .init(transport: .unix(socket: "/run/s"), usesTLS: false))
    let disk = try #require(definition.disks?.first)
    #expect(disk.name == "vda" && disk.isIncluded && disk.type == .file && disk.mode == .full)
    #expect(disk.incremental == nil && disk.exportName == "e" && disk.exportBitmap == "b")
    #expect(disk.format == "qcow2" && disk.store == .init(path: "/s"))
    let tcp = try BackupDefinition(
      parsing: "<domainbackup mode='pull'><server name='::1' port='0'/></domainbackup>")
    #expect(tcp.server?.transport == .tcp(name: "::1", port: nil))
  }

  /// What is refused, and in which words.
  static let refused: [(String, String)] = [
    ("<foo/>", "XML error: expecting root element of 'domainbackup', not 'foo'"),
    (
      "<domainbackup xmlns='urn:x'/>", "XML error: line 1: <domainbackup> must not have a namespace"
    ),
    ("<domainbackup foo='1'/>", "XML error: line 1: unknown attribute 'foo' of <domainbackup>"),
    (
      "<domainbackup>\n <foo/></domainbackup>",
      "XML error: line 2: unknown element <foo> in <domainbackup>"
    ),
    ("<domainbackup>x</domainbackup>", "XML error: line 1: unexpected text in <domainbackup>"),
    (
      "<domainbackup mode='foo'/>",
      "XML error: line 1: invalid value 'foo' for attribute 'mode' of <domainbackup>, not one of push, pull"
    ),
    ("<domainbackup mode='pull'/>", "XML error: line 1: a pull mode backup needs a <server>"),
    (
      "<domainbackup>\n\n<server name='x'/></domainbackup>",
      "XML error: line 3: use of <server> requires pull mode backup"
    ),
    (
      "<domainbackup><incremental>a</incremental>\n<incremental/></domainbackup>",
      "XML error: line 2: <domainbackup> has more than one <incremental>"
    ),
    (
      "<domainbackup><incremental><b/></incremental></domainbackup>",
      "XML error: line 1: <incremental> holds more than text"
    ),
    ("<domainbackup><disks/></domainbackup>", "XML error: line 1: <disks> has no <disk>"),
  ]

  /// A `<server>` and the words.
  static let refusedServers: [(String, String)] = [
    (
      "transport='fd' fdgroup='g'",
      "transport 'fd' of <server> is not supported: use 'tcp' or 'unix'"
    ),
    (
      "transport='rdma' name='x'",
      "invalid value 'rdma' for attribute 'transport' of <server>, not one of tcp, unix"
    ),
    ("port='1'", "missing name for host"),
    ("name='a b'", "'a b' of <server> is neither a host name nor an address"),
    ("name='x' port='x'", "port 'x' of <server> is not a number"),
    ("name='x' socket='/s'", "unknown attribute 'socket' of <server>"),
    ("transport='unix'", "<server> has no 'socket'"),
    ("transport='unix' socket='s'", "backup socket path 's' must be absolute"),
    ("transport='unix' socket='/s' name='x'", "unknown attribute 'name' of <server>"),
    (
      "name='x' tls='maybe'",
      "invalid value 'maybe' for attribute 'tls' of <server>, not one of yes, no"
    ),
  ]

  /// A `<disk>` of a push mode document and the words.
  static let refusedDisks: [(String, String)] = [
    ("<disk/>", "missing name from disk backup element"),
    ("<disk name='/a'/>", "'/a' cannot be the target name of a disk"),
    ("<disk name='vda' foo='1'/>", "unknown attribute 'foo' of <disk>"),
    (
      "<disk name='vda' backup='maybe'/>",
      "invalid value 'maybe' for attribute 'backup' of <disk>, not one of yes, no"
    ),
    (
      "<disk name='vda' backup='no' type='file'/>",
      "disk 'vda' is left out and has more than its name"
    ),
    (
      "<disk name='vda' backupmode='full' incremental='x'/>",
      "disk 'vda' is backed up in full and has 'incremental'"
    ),
    ("<disk name='vda' exportname='x'/>", "an export of disk 'vda' requires pull mode backup"),
    (
      "<disk name='vda'><scratch file='/s'/></disk>",
      "disk 'vda' has a <scratch>; push mode backup has a <target>"
    ),
    ("<disk name='vda'><target dev='/s'/></disk>", "<target> has no 'file'"),
    ("<disk name='vda' type='block'><target file='/s'/></disk>", "<target> has no 'dev'"),
    ("<disk name='vda'><target file='s'/></disk>", "path 's' of <target> is not absolute"),
    ("<disk name='vda'><driver type='zip'/></disk>", "unknown format 'zip' of <driver>"),
    ("<disk name='vda' index='4'/>", "unknown attribute 'index' of <disk>"),
    ("<disk name='vda'><privateData/></disk>", "unknown element <privateData> in <disk>"),
    (
      "<disk name='vda'><target file='/s'><seclabel/></target></disk>",
      "<seclabel> needs one of relabel='no', labelskip='yes', a <label>"
    ),
    (
      "<disk name='vda'><target file='/s'><encryption format='luks'/></target></disk>",
      "<encryption> has no <secret>"
    ),
  ]

  @Test(
    arguments: refused
      + refusedServers.map {
        ("<domainbackup mode='pull'>\n<server \($0)/></domainbackup>", "XML error: line 2: \($1)")
      }
      + refusedDisks.map {
        ("<domainbackup><disks>\n\n\n\($0)</disks></domainbackup>", "XML error: line 4: \($1)")
      } + [
        (
          "<domainbackup mode='pull'><server name='x' port='70000'/></domainbackup>",
          "invalid argument: port '70000' out of range"
        ),
        (
          """
          <domainbackup mode='pull'><server name='x'/><disks><disk name='vda'><scratch file='/s'/>
          <driver type='raw'/></disk></disks></domainbackup>
          """, "XML error: line 2: pull mode backup for disk 'vda' requires qcow2 driver"
        ),
      ])
  func `what is refused is named, with its line`(text: String, words: String) {
    let error = #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: text) }
    #expect(error?.description == words)
  }

  @Test(arguments: [
    (
      "<domainbackup", "Couldn't find end of Start Tag domainbackup line 1",
      "<domainbackup\n-------------^"
    ),
    ("", "Document is empty", "(null)\n^"), ("x", "Start tag expected, '<' not found", "x\n^"),
  ])
  func `where it ceases to be XML is shown as libvirt does`(
    text: String, message: String, excerpt: String
  ) {
    let error = #expect(throws: DomainXMLError.self) { try BackupDefinition(parsing: text) }
    #expect(error?.description == "(domain_backup):1: \(message)\n\(excerpt)")
  }
}
