// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import DomainXML

struct ManifestTests {
  @Test
  func `What is written can be read, and is the same`() throws {
    let manifest = try Samples.manifest()
    let text = try manifest.xml()
    #expect(try Manifest(parsing: text) == manifest)
    #expect(try Manifest(parsing: text).xml() == text)
    #expect(RelaxNGSchema.backup.validate(text) == .valid)
  }

  @Test
  func `What is noted of images is in an element that earlier versions keep`() throws {
    var manifest = try Samples.manifest()
    let plain = try manifest.xml()
    manifest.disks[0].volume.length = 1 << 40
    manifest.disks[0].volume.clusters = 0
    manifest.disks[1].volume.length = 0
    let text = try manifest.xml()
    #expect(try Manifest(parsing: text) == manifest)
    #expect(RelaxNGSchema.backup.validate(text) == .valid)
    #expect(
      text.contains(
        "<image volume='web1.20261122T020000Z.vda.qcow2' length='1099511627776' clusters='0'/>"))
    // Without that element it is what they wrote.
    let start = try #require(text.range(of: "  <images>")?.lowerBound)
    let end = try #require(text.range(of: "</images>\n")?.upperBound)
    #expect(text.replacingCharacters(in: start..<end, with: "") == plain)
    for wrong in ["length='-1'", "clusters='x'", "other='1'"] {
      #expect(throws: DomainXMLError.self) {
        try Manifest(parsing: text.replacing("clusters='0'", with: wrong))
      }
    }
  }

  @Test
  func `Protection is in an element of its own, which is empty`() throws {
    var manifest = try Samples.manifest()
    let plain = try manifest.xml()
    manifest.isProtected = true
    let text = try manifest.xml()
    #expect(try Manifest(parsing: text) == manifest)
    #expect(RelaxNGSchema.backup.validate(text) == .valid)
    #expect(text.replacing("  <protected/>\n", with: "") == plain)
    for wrong in ["<protected>yes</protected>", "<protected by='me'/>", "<protected/><protected/>"]
    {
      #expect(throws: DomainXMLError.self) {
        try Manifest(parsing: text.replacing("<protected/>", with: wrong))
      }
    }
  }

  @Test
  func `The least manifest can be written and read`() throws {
    var manifest = try Samples.manifest()
    manifest.disks.removeFirst()
    manifest.description = nil
    manifest.parent = nil
    manifest.inactiveDomainXML = nil
    manifest.unknownElements = []
    let text = try manifest.xml()
    #expect(try Manifest(parsing: text) == manifest)
    #expect(RelaxNGSchema.backup.validate(text) == .valid)
    manifest.description = ""
    #expect(try Manifest(parsing: manifest.xml()).description == "")
  }

  @Test
  func `The text has its order and layout`() throws {
    var manifest = try Samples.manifest()
    manifest.domainXML = Samples.inactiveDomain
    manifest.description = "d"
    #expect(
      try manifest.xml() == """
        <backup version='1'>
          <name>20261122T020000Z</name>
          <uuid>\(Samples.pointUUID)</uuid>
          <chain>\(Samples.chainUUID)</chain>
          <sequence>2</sequence>
          <creationTime>1795312800</creationTime>
          <description>d</description>
          <parent>\(Samples.parentUUID)</parent>
          <consistency>filesystem</consistency>
          <autostart>yes</autostart>
          <disks>
            <disk name='vda' mode='incremental' parent='\(Samples.parentUUID)' differential='yes' capacity='10737418240' format='raw'>
              <volume name='web1.20261122T020000Z.vda.qcow2' size='325582848'/>
            </disk>
            <disk name='vdb' mode='full' reasonCode='new_disk' reason='disk added since "20261121T020000Z"' capacity='0' format='qcow2'>
              <volume name='we"b1 {&apos;file&apos;, &apos;json&apos;} &amp; &lt;b&gt;.qcow2' size='0'/>
            </disk>
          </disks>
          <nvram capacity='540672'>
            <volume name='web1.20261122T020000Z.nvram.fd' size='4096'/>
          </nvram>
          <tpm capacity='6123'>
            <volume name='web1 &lt;tpm&gt;.permall' size='8192'/>
          </tpm>
          <guestInfo>
            <info name='hostname' value='we&apos;b'/>
            <info name='os.pretty-name' value='A &lt;B&gt; 12'/>
          </guestInfo>
          <domain type='kvm'><name>web1</name><uuid>\(Samples.domainUUID)</uuid></domain>
          <inactiveDomain>
            <domain type='kvm'><name>web1</name><uuid>\(Samples.domainUUID)</uuid></domain>
          </inactiveDomain>
          <checksum algorithm='sha256'>abc</checksum>
          <x:y xmlns:x='urn:x' x:z='1'/>
        </backup>

        """)
  }

  @Test
  func `Of what a guest says only what can be written down is`() {
    let long = String(repeating: "x", count: 1025)
    var said = ["a": "b", "c": "d\u{1b}[2J", "e": long, "f": "", "": "g", "h\u{0}": "i"]
    #expect(Manifest.fitting(said) == ["a": "b"])
    for number in 0..<1000 { said["fs.\(number)"] = "x" }
    #expect(Manifest.fitting(said).count == 256)
  }

  @Test
  func `Autostart is yes, no or not known, as in backups from before it was recorded`() throws {
    let text = try Samples.manifest().xml()
    let element = "<autostart>yes</autostart>"
    for (word, value) in [("yes", true), ("no", false)] {
      let changed = text.replacing(element, with: "<autostart>\(word)</autostart>")
      #expect(try Manifest(parsing: changed).isAutostart == value)
      #expect(RelaxNGSchema.backup.validate(changed) == .valid)
    }
    let old = text.replacing(element, with: "")
    #expect(try Manifest(parsing: old).isAutostart == nil)
    #expect(try !Manifest(parsing: old).xml().contains("autostart"))
    #expect(RelaxNGSchema.backup.validate(old) == .valid)
    #expect(throws: DomainXMLError.self) {
      try Manifest(parsing: text.replacing(element, with: "<autostart>maybe</autostart>"))
    }
  }

  @Test
  func `A definition survives to the byte once it is in normal form`() throws {
    let manifest = try Samples.manifest()
    #expect(try manifest.xml().contains(manifest.domainXML))
    var loose = manifest
    loose.domainXML = Samples.domain
    #expect(loose.domainXML != manifest.domainXML)
    #expect(try loose.xml() == manifest.xml())
  }

  @Test
  func `A definition keeps namespaces that are declared around it`() throws {
    let text = try Samples.manifest().xml()
      .replacingOnce("<backup version='1'>", "<backup version='1' xmlns:u='urn:u'>")
      .replacingOnce("<title>", "<u:v/><title>")
      .replacingOnce("<checksum ", "<checksum u:a='b' ")
    let manifest = try Manifest(parsing: text)
    #expect(manifest.domainXML.contains("xmlns:u='urn:u'"))
    #expect(manifest.inactiveDomainXML?.contains("xmlns:u") == false)
    #expect(
      manifest.unknownElements.first
        == "<checksum xmlns:u='urn:u' u:a='b' algorithm='sha256'>abc</checksum>")
    #expect(try Manifest(parsing: manifest.xml()) == manifest)
  }

  @Test
  func `UUIDs are read in lower case`() throws {
    let manifest = try Samples.manifest()
    let text = try manifest.xml().replacingOnce(
      "<uuid>\(Samples.pointUUID)", "<uuid>AAAAAAAA-1111-4111-8111-111111111111")
    #expect(try Manifest(parsing: text).uuid == "aaaaaaaa-1111-4111-8111-111111111111")
  }

  @Test(arguments: [("2", 2), ("17", 17), ("4294967296", 4_294_967_296)])
  func `A newer version is told apart`(text: String, version: Int) throws {
    let document = try Samples.manifest().xml()
      .replacingOnce("<backup version='1'>", "<backup version='\(text)'><what/>")
    let error = #expect(throws: DomainXMLError.self) { try Manifest(parsing: document) }
    #expect(error?.reason == .newerVersion(version))
    let other = #expect(throws: DomainXMLError.self) { try Partial(parsing: document) }
    #expect(other?.reason == .newerVersion(version))
  }

  /// What is broken in the sample's text, and whether a schema can tell.
  static let broken: [(String, String, Bool)] = [
    ("version='1'", "version='0'", true), ("version='1'", "version='-1'", true),
    ("version='1'", "version='x'", true), (" version='1'", "", true),
    ("version='1'", "version='1' more='x'", true),
    ("version='1'", "version='1' xmlns='urn:x'", true),
    ("version='1'>", "version='1'>text", true),
    ("<name>20261122T020000Z</name>", "", true),
    ("<name>20261122T020000Z</name>", "<name>a</name><name>a</name>", true),
    ("<name>20261122T020000Z</name>", "<name/>", true),
    ("<name>20261122T020000Z</name>", "<name>.a</name>", true),
    ("<name>20261122T020000Z</name>", "<name>a/b</name>", true),
    ("<name>20261122T020000Z</name>", "<name>ä</name>", true),
    ("<name>20261122T020000Z</name>", "<name> a</name>", true),
    ("<name>20261122T020000Z</name>", "<name>a<b/></name>", true),
    ("<name>20261122T020000Z</name>", "<name>\(String(repeating: "a", count: 256))</name>", true),
    ("<uuid>\(Samples.pointUUID)</uuid>", "", true),
    ("<uuid>\(Samples.pointUUID)</uuid>", "<uuid>1</uuid>", true),
    ("<uuid>\(Samples.pointUUID)</uuid>", "<uuid>11111111111141118111111111111111</uuid>", true),
    (
      "<uuid>\(Samples.pointUUID)</uuid>", "<uuid>g1111111-1111-4111-8111-111111111111</uuid>", true
    ),
    ("<uuid>\(Samples.pointUUID)</uuid>", "<uuid>\(Samples.parentUUID)</uuid>", false),
    ("<chain>\(Samples.chainUUID)</chain>", "", true), ("<chain>", "<chain>x", true),
    ("<sequence>2<", "<sequence>0<", true), ("<sequence>2<", "<sequence>-2<", true),
    ("<sequence>2<", "<sequence>+2<", false), ("<sequence>2<", "<sequence> 2<", false),
    ("<sequence>2<", "<sequence></sequence><x>1</x><sequence><", true),
    ("<sequence>2<", "<sequence>0x2<", true),
    ("<sequence>2<", "<sequence>9223372036854775808<", true),
    ("<sequence>2</sequence>", "", true),
    ("<creationTime>1795312800<", "<creationTime>-1<", true),
    ("<creationTime>1795312800<", "<creationTime>9223372036854775808<", true),
    ("<creationTime>1795312800</creationTime>", "", true),
    ("<parent>\(Samples.parentUUID)</parent>", "<parent>20261121T020000Z</parent>", true),
    ("<consistency>filesystem<", "<consistency>none<", true),
    ("<consistency>filesystem</consistency>", "", true),
    ("<disks>", "<disks><disk/>", true), ("<disks>", "<disks><other/>", true),
    ("<info name='hostname'", "<info", true), ("<guestInfo>", "<guestInfo><x/>", true),
    ("<nvram capacity='540672'>", "<nvram>", true), ("<tpm capacity", "<tpm x='' capacity", true),
    ("name='web1.20261122T020000Z.nvram.fd'", "name='../x'", true),
    ("name='web1.20261122T020000Z.nvram.fd'", "name='web1.20261122T020000Z.vda.qcow2'", false),
    ("<disks>", "<disks>text", true), ("<disks>", "<disks name='x'>", true),
    (" mode='incremental'", "", true), ("mode='incremental'", "mode='delta'", true),
    ("mode='incremental' parent='\(Samples.parentUUID)'", "mode='incremental'", true),
    ("mode='incremental' parent='\(Samples.parentUUID)'", "mode='incremental' parent='x'", true),
    ("mode='full'", "mode='full' parent='\(Samples.parentUUID)'", true),
    ("mode='full'", "mode='full' more=''", true),
    ("differential='yes'", "differential='true'", true),
    ("name='vdb'", "name='vda'", false), ("name='vdb'", "name=''", true),
    ("name='vdb'", "name='../b'", true), (" name='vdb'", "", true),
    ("reasonCode='new_disk'", "reasonCode='new disk'", true),
    (" capacity='0'", "", true), ("capacity='0'", "capacity='-1'", true),
    ("capacity='0'", "capacity='1 G'", true), ("capacity='0'", "capacity=''", true),
    ("capacity='0'", "capacity='18446744073709551615'", true),
    ("capacity='0'", "capacity='٣'", true),
    ("format='raw'", "format=''", true), ("format='raw'", "format='raw,x=y'", true),
    (" size='325582848'", "", true), ("size='325582848'", "size='x'", true),
    ("size='325582848'/>", "size='325582848'/><volume name='x' size='1'/>", true),
    ("size='325582848'/>", "size='325582848'><more/></volume>", true),
    ("</inactiveDomain>", "<domain/></inactiveDomain>", true),
    ("<inactiveDomain>", "<inactiveDomain>text", true),
    ("</inactiveDomain>", "</inactiveDomain><inactiveDomain/>", true),
    ("<checksum", "<operation type='create'/><checksum", true),
  ]

  @Test(arguments: broken)
  func `A broken manifest is refused`(part: String, other: String, isSeenBySchema: Bool) throws {
    let text = try Samples.manifest().xml().replacingOnce(part, other)
    let error = #expect(throws: DomainXMLError.self) { try Manifest(parsing: text) }
    #expect(error?.reason == .invalid)
    if isSeenBySchema { #expect(RelaxNGSchema.backup.validate(text) == .invalid) }
  }

  @Test(arguments: [
    "", ".", "..", "/etc/passwd", "../x", "a/b", "a/../b", "a&#10;b", "a&#127;", "&#133;",
    "nbd:host:10809",
    "json:{&quot;driver&quot;:&quot;file&quot;}", String(repeating: "a", count: 256),
    "web1.20261122T020000Z.vda.qcow2",
  ])
  func `A volume name that leads elsewhere is refused`(name: String) throws {
    let text = try Samples.manifest().xml().replacingOnce(
      #"we"b1 {&apos;file&apos;, &apos;json&apos;} &amp; &lt;b&gt;.qcow2"#, name)
    #expect(throws: DomainXMLError.self) { try Manifest(parsing: text) }
    let isDoubled = name.hasPrefix("web1")
    #expect(RelaxNGSchema.backup.validate(text) == (isDoubled ? .valid : .invalid))
  }

  @Test(arguments: ["..x", "...", "a b", "ü", "-x", "%41", "a\\b", "{\"a\"}", "~"])
  func `A volume name that stays in its pool is kept`(name: String) throws {
    var manifest = try Samples.manifest()
    manifest.disks[0].volume.name = name
    #expect(try Manifest(parsing: manifest.xml()) == manifest)
    #expect(RelaxNGSchema.backup.validate(try manifest.xml()) == .valid)
  }

  @Test
  func `A manifest cut off anywhere is refused`() throws {
    let text = try Samples.manifest().xml()
    let end = text.utf8.count - 1
    for length in stride(from: 0, to: end, by: 37) + [end - 1] {
      let part = String(decoding: text.utf8.prefix(length), as: UTF8.self)
      #expect(throws: DomainXMLError.self) { try Manifest(parsing: part) }
    }
  }

  @Test(arguments: 0..<4)
  func `Whatever is read of a damaged document can be written`(round: UInt64) throws {
    let text = Array(try Samples.manifest().xml().utf8)
    var state = round &+ 1
    func random(below bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    for _ in 0..<200 {
      var damaged = text
      let start = random(below: text.count)
      let end = min(start + random(below: 8), text.count)
      let piece = random(below: text.count - 8)
      damaged.replaceSubrange(start..<end, with: text[piece..<piece + random(below: 8)])
      guard let manifest = try? Manifest(parsing: String(decoding: damaged, as: UTF8.self)) else {
        continue
      }
      #expect(try Manifest(parsing: manifest.xml()) == manifest)
    }
  }

  @Test
  func `Definitions of another domain are refused`() throws {
    let text = try Samples.manifest().xml()
    let inactive = "<inactiveDomain>\n    <domain type='kvm'><name>web1</name><uuid>"
    let other = try text.replacingOnce(
      inactive + Samples.domainUUID, inactive + Samples.parentUUID)
    let error = #expect(throws: DomainXMLError.self) { try Manifest(parsing: other) }
    #expect(error?.message == "the two definitions are of different domains")
    for definition in ["<domain/>", "<network/>", "<domain><name>x</name></domain>", "", "x"] {
      var manifest = try Samples.manifest()
      manifest.domainXML = definition
      #expect(throws: DomainXMLError.self) { try manifest.xml() }
    }
  }

  @Test
  func `A manifest that could not be read is not written`() throws {
    let changes: [(inout Manifest) -> Void] = [
      { $0.name = "a b" }, { $0.uuid = "" }, { $0.chain = "x" }, { $0.sequence = 0 },
      { $0.creationTime = -1 }, { $0.parent = "x" }, { $0.disks = [] },
      { $0.disks.append($0.disks[0]) }, { $0.disks[0].parent = nil },
      { $0.disks[1].parent = Samples.parentUUID }, { $0.disks[0].volume.name = ".." },
      { $0.disks[0].capacity = .max }, { $0.disks[0].volume.size = .max },
      { $0.disks[0].format = "" }, { $0.disks[1].reasonCode = "a b" },
      { $0.disks[1].reason = "\u{0}" }, { $0.description = "\u{1B}[31m" },
      { $0.domainName = "other" }, { $0.domainUUID = Samples.parentUUID },
      { $0.inactiveDomainXML = "<domain/>" }, { $0.unknownElements = ["<name>x</name>"] },
      { $0.unknownElements = ["<a>"] }, { $0.unknownElements = ["<operation/>"] },
      { $0.domainXML = "<!DOCTYPE domain>" + $0.domainXML },
      { $0.description = String(repeating: "x", count: 9_000_000) },
      {
        $0.unknownElements = [
          String(repeating: "<x>", count: 257) + String(repeating: "</x>", count: 257)
        ]
      },
    ]
    for change in changes {
      var manifest = try Samples.manifest()
      change(&manifest)
      #expect(throws: DomainXMLError.self) { try manifest.xml() }
    }
  }
}
