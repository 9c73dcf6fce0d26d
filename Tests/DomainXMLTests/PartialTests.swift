// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct PartialTests {
  @Test
  func `What is written can be read, and is the same`() throws {
    for partial in try Samples.partials() {
      let text = try partial.xml()
      #expect(try Partial(parsing: text) == partial)
      #expect(try Partial(parsing: text).xml() == text)
      #expect(RelaxNGSchema.backup.validate(text) == .valid)
    }
  }

  @Test
  func `A partial is no manifest and a manifest no partial`() throws {
    for partial in try Samples.partials() {
      #expect(throws: DomainXMLError.self) { try Manifest(parsing: partial.xml()) }
    }
    #expect(throws: DomainXMLError.self) { try Partial(parsing: Samples.manifest().xml()) }
  }

  /// Which of the samples is broken, and how.
  static let broken: [(Int, String, String)] = [
    (0, "<operation type='create'>", "<operation>"),
    (0, "<operation type='create'>", "<operation type='move'>"),
    (0, "<operation type='create'>", "<operation type='restore'>"),
    (0, "<operation type='create'>", "<operation type='create' more='x'>"),
    (0, "<operation type='create'>", "<operation type='create'><more/>"),
    (0, "<operation type='create'>", "<operation type='create'>text"),
    (0, "<operation type='create'>", "<operation type='delete'/><operation type='create'>"),
    (0, "<uuid>55555555-", "<uuid>5555555-"), (0, "<pointName>", "<pointName>."),
    (0, "<pointName>20261122T020000Z", "<pointName>other"),
    (0, "<domainName>web1</domainName>", "<domainName/>"),
    (0, "<domainName>web1", "<domainName>web2"),
    (0, "<domainUUID>\(Samples.domainUUID)", "<domainUUID>\(Samples.parentUUID)"),
    (0, "<domainUUID>", "<domainUUID>x"), (0, "<hostUUID>", "<hostUUID>x"),
    (0, "host='client.example.org'", "host=''"), (0, "pid='4711'", "pid='0'"),
    (0, "host='client.example.org'", "host='a&#10;b'"),
    (0, "pid='4711'", "pid='-1'"), (0, "pid='4711'", "pid='2147483648'"),
    (0, " pid='4711'", ""), (0, "startTime='123456'", "startTime='x'"),
    (0, "bootID='66666666-", "bootID='6666666-"),
    (0, "suspended='yes'", "suspended='maybe'"),
    (0, "scratchDirectory='/fast'", "scratchDirectory=''"),
    (0, "scratchVolume='scratch.qcow2'", "scratchVolume='../scratch.qcow2'"),
    (0, "scratchVolume='scratch.qcow2'", "scratchVolume=''"),
    (0, "node='libvirt-2-format'", "node='a&quot;, &quot;b'"),
    (0, "node='libvirt-2-format'", "node='0123456789abcdef0123456789abcdef'"),
    (0, " node='libvirt-2-format'", ""),
    (0, "device='/machine/peripheral/", "device='peripheral/"),
    (0, "<disks>", "<disks><more/>"), (0, "<sequence>2", "<sequence>0"),
    (0, "name='vdb' node", "name='vda' node"),
    (1, "<helper>virsh-backup-0123456789ab", "<helper>web1"),
    (1, "<helper>virsh-backup-0123456789ab", "<helper>virsh-backup-0123456789AB"),
    (1, "<helper>virsh-backup-0123456789ab", "<helper>virsh-backup-0123456789ab0"),
    (1, " point='\(Samples.pointUUID)'", ""), (1, "point='1", "point='x1"),
    (1, "path='/images/web1.qcow2'", "path='images/web1.qcow2'"),
    (1, "path='/images/web1.qcow2'", "path='/images/../etc/passwd'"),
    (1, "path='/images/web1.qcow2'", "path='/images/..'"),
    (1, "path='/images/web1.qcow2'", "path='/a&#10;b'"),
    (1, "path='/images/web1.qcow2'", "path=''"),
    (1, "path='/images/web1.qcow2'", "path='/dev/vg/lv'"),
    (1, "</operation>", "</operation><more/>"), (1, "started='yes'", "started='1'"),
    (1, "<restore ", "<restore more='x' "), (1, "</restore>", "<domain/></restore>"),
    (7, "path='/dev/vg/lv'", "path='dev'"), (7, "path='/dev/vg/lv'", "path='/dev/../a'"),
    (7, "path='/dev/vg/lv'", "path='/copies/&apos;a&apos;.qcow2'"),
    (7, "format='raw' encrypted", "format='vmdk' encrypted"),
    (7, "encrypted='yes'", "encrypted='1'"), (7, "type='block'", "type='network'"),
    (7, "<target type='block' path='/dev/vg/lv' format='raw' encrypted='yes'/>", ""),
    (8, "<live ", "<live more='x' "), (8, " point='\(Samples.pointUUID)'", ""),
    (8, "point='1", "point='x1"), (8, "</live>", "<domain/></live>"),
    (8, "name='vdb'", "name='vda'"), (8, "name='vdb'", "name='../x'"),
    (8, "/images/web1-data.qcow2", "images"), (8, "/images/web1-data.qcow2", "/images/../etc/x"),
    (8, "/images/web1-data.qcow2", "/images/web1 &apos;x&apos;.qcow2"),
    (8, "name='a.vdb.qcow2'", "name='..'"), (8, "<volume name='a.vdb.qcow2'/>", ""),
    (8, "<volume name='a.vdb.qcow2'/>", "<volume name='a.vdb.qcow2' more='x'/>"),
    (3, "<delete>", "<delete><more/>"),
    (3, "uuid='\(Samples.parentUUID)'", "uuid='\(Samples.pointUUID)'"),
    (3, "manifest='a.backup.xml'", "manifest='/a.backup.xml'"), (3, " manifest='a.backup.xml'", ""),
    (3, "name='a.vdb.qcow2'", "name='..'"), (3, "name='a.vdb.qcow2'", "name='a.vda.qcow2'"),
    (3, "name='a.vdb.qcow2'", "name='b.backup.xml'"), (3, "name='a' manifest", "name='/' manifest"),
    (9, "parent='\(Samples.pointUUID)' backing", "parent='\(Samples.parentUUID)' backing"),
    (9, "backing='c.vda.qcow2'", "backing='/c'"),
    (4, "<session ", "<session more='x' "), (4, "</session>", "<more/></session>"),
    (4, "parent='monday'", "parent='../x'"), (4, "suspended='yes'", "suspended='1'"),
    (4, "frozen='yes'", "frozen=''"),
    (4, "scratchDirectory='/fast/scratch'", "scratchDirectory='fast'"),
    (4, "scratchDirectory='/fast/scratch'", "scratchDirectory='/fast/../etc'"),
    (4, "scratchVolume='scratch.qcow2'", "scratchVolume='a/b'"),
    (4, "transport='tcp'", "transport='udp'"), (4, " transport='tcp'", ""),
    (4, "tls='yes'", "tls='maybe'"), (4, "port='10809'", "port='65536'"),
    (4, "port='10809'", "port='-1'"), (4, "port='10809'", "port='x'"),
    (4, "name='192.0.2.1'", "name=''"), (4, " name='192.0.2.1'", ""),
    (4, "transport='tcp'", "transport='tcp' more='x'"), (4, "export='vdb'", "export=''"),
    (4, "export='vdb'", "export='a&#10;b'"), (4, " export='vdb'", ""),
    (4, "exportBitmap='backup-vdb'", "exportBitmap='\(String(repeating: "x", count: 1024))'"),
    (4, " exportBitmap='backup-vdb'", ""), (4, "name='vdb'", "name='vda'"),
    (4, "name='vdb'", "name='../x'"), (4, "node='libvirt-2-format'", "node='a&quot;b'"),
    (4, "device='/machine/peripheral/", "device='peripheral/"),
    (5, "stored='1", "stored='x1"), (5, "export='vda'", "export='vda' more='x'"),
    (5, "socket='/run/", "socket='run/"), (5, "socket='/run/", "socket='/run/../"),
    (5, "<helper>virsh-backup-0123456789ab", "<helper>web1"),
  ]

  @Test(arguments: [("<disk ", "<d "), ("<server ", "<s ")])
  func `A session has disks and a server`(element: String, other: String) throws {
    let text = try Samples.sessions[1].xml().replacingOnce(element, other)
    #expect(throws: DomainXMLError.self) { try Partial(parsing: text) }
    #expect(RelaxNGSchema.backup.validate(text) == .invalid)
  }

  @Test
  func `A session exports no two disks under one name`() throws {
    let text = try Samples.sessions[0].xml().replacingOnce(
      "export='vdb'", "export='a &quot;b&quot; &lt;ü&gt;'")
    let error = #expect(throws: DomainXMLError.self) { try Partial(parsing: text) }
    #expect(error?.message.contains("twice") == true)
  }

  @Test(arguments: broken)
  func `A broken partial is refused`(index: Int, part: String, other: String) throws {
    let text = try Samples.partials()[index].xml().replacingOnce(part, other)
    let error = #expect(throws: DomainXMLError.self) { try Partial(parsing: text) }
    #expect(error?.reason == .invalid)
  }

  @Test(arguments: [
    (0, "type='create'", "type='move'"), (0, "pid='4711'", "pid='0'"),
    (0, "scratchVolume='scratch.qcow2'", "scratchVolume='../scratch.qcow2'"),
    (0, "node='libvirt-2-format'", "node='a&quot;, &quot;b'"),
    (1, "<helper>virsh-backup-0123456789ab", "<helper>web1"),
    (1, "path='/images/web1.qcow2'", "path='/images/../etc/passwd'"),
    (7, "path='/dev/vg/lv'", "path='dev'"), (7, "type='block'", "type='network'"),
    (1, "path='/images/web1.qcow2'", "path='images'"), (3, "name='a.vdb.qcow2'", "name='..'"),
    (4, "transport='tcp'", "transport='udp'"), (4, "port='10809'", "port='65536'"),
    (4, "scratchDirectory='/fast/scratch'", "scratchDirectory='fast'"),
    (4, "parent='monday'", "parent='../x'"), (4, "export='vdb'", "export='a&#10;b'"),
    (5, "socket='/run/", "socket='run/"), (5, "stored='1", "stored='x1"),
    (8, "point='1", "point='x1"), (8, "/images/web1-data.qcow2", "images"),
    (8, "<volume name='a.vdb.qcow2'/>", ""), (8, "name='a.vdb.qcow2'", "name='..'"),
  ])
  func `The schema sees a broken partial`(index: Int, part: String, other: String) throws {
    let text = try Samples.partials()[index].xml().replacingOnce(part, other)
    #expect(RelaxNGSchema.backup.validate(text) == .invalid)
  }

  @Test
  func `A delete of nothing is refused`() {
    #expect(throws: DomainXMLError.self) { try Samples.partial(.delete(.init(points: []))).xml() }
  }
}
