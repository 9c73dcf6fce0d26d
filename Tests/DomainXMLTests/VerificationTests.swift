// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct VerificationTests {
  private static let schema = RelaxNGSchema(
    path: RelaxNGSchema.backup.path.replacing("backup.rng", with: "verification.rng"))

  private static var sample: Verification {
    var record = Verification(point: Samples.pointUUID)
    record.note(
      .init(level: .boot, time: 1_795_312_900, isPassed: true, detail: "its agent <answered>"))
    record.note(
      .init(
        level: .checksums, time: 1_795_312_800, isPassed: false,
        problems: [
          .init(volume: "web1.monday.vda.qcow2", text: "its SHA-256 is not that in 'x'"),
          .init(volume: #"we"b1 {'file'} & <b>.qcow2"#, text: "it's & <cut> off"),
        ]))
    return record
  }

  @Test func `what is written can be read, and is the same`() throws {
    for record in [Self.sample, Verification(point: Samples.parentUUID)] {
      let text = try record.xml()
      #expect(try Verification(parsing: text) == record)
      #expect(try Verification(parsing: text).xml() == text)
      #expect(Self.schema.validate(text) == .valid)
    }
  }

  @Test func `the latest check of a level counts, the others stay`() throws {
    var record = Self.sample
    #expect(record.checks.map(\.level) == [.checksums, .boot])
    record.note(.init(level: .structure, time: 5, isPassed: true))
    record.note(.init(level: .checksums, time: 6, isPassed: true))
    #expect(record.checks.map(\.level) == [.structure, .checksums, .boot])
    #expect(record.check(.checksums) == .init(level: .checksums, time: 6, isPassed: true))
    #expect(record.check(.boot) == Self.sample.check(.boot))
  }

  @Test func `what an image says of itself cannot break the record`() throws {
    var record = Verification(point: Samples.pointUUID)
    record.note(
      .init(
        level: .structure, time: 1, isPassed: false,
        problems: [.init(volume: "a", text: "its backing file is 'a\u{1}\nb\u{0}'")]))
    #expect(
      try Verification(parsing: record.xml()).check(.structure)?.problems.first?.text
        == "its backing file is 'a??b?'")
  }

  @Test(arguments: [
    ("<point>1", "<point>x1"), ("<point>", "<point a='b'>"), ("version='1'", "version='0'"),
    (" version='1'", ""), ("level='boot'", "level='checksums'"), ("level='boot'", "level='all'"),
    (" level='boot'", ""), ("result='passed'", "result='ok'"), (" result='passed'", ""),
    ("time='1795312900'", "time='-1'"), ("time='1795312900'", "time='x'"),
    (" time='1795312900'", ""), ("<detail>", "<more/><detail>"),
    ("volume='web1.monday.vda.qcow2'", "volume='../x'"),
    ("volume='web1.monday.vda.qcow2'", "volume=''"),
    (" volume='web1.monday.vda.qcow2'", ""), ("</verification>", "<more/></verification>"),
    ("<verification ", "<verification more='x' "),
  ])
  func `a broken record is refused`(part: String, other: String) throws {
    let text = try Self.sample.xml().replacingOnce(part, other)
    #expect(throws: DomainXMLError.self) { try Verification(parsing: text) }
    // A level that comes twice is more than a schema can say.
    if other != "level='checksums'" { #expect(Self.schema.validate(text) == .invalid) }
  }

  @Test func `a record of a newer version says so`() throws {
    let text = try Self.sample.xml().replacingOnce("version='1'", "version='2'")
    let error = #expect(throws: DomainXMLError.self) { try Verification(parsing: text) }
    #expect(error?.reason == .newerVersion(2))
  }

  @Test func `a look at a point can be written down`() throws {
    for verify in [
      Partial.Verify(point: Samples.pointUUID),
      .init(
        point: Samples.pointUUID, disks: ["vda", "vdb"],
        volumes: ["web1.monday.vda.0123.booted.qcow2", "we'b & <1>.fd"]),
    ] {
      let partial = Samples.partial(.verify(verify), helper: "virsh-backup-0123456789ab")
      let text = try partial.xml()
      #expect(try Partial(parsing: text) == partial)
      #expect(RelaxNGSchema.backup.validate(text) == .valid)
    }
  }

  @Test(arguments: [
    ("point='1", "point='x1"), (" point='\(Samples.pointUUID)'", ""),
    ("<disk name='vda'/>", "<disk name='../a'/>"), ("<disk name='vda'/>", "<disk/>"),
    ("<volume name='a.fd'/>", "<volume name='a/b'/>"),
    ("<volume name='a.fd'/>", "<volume name='..'/>"), ("<volume name='a.fd'/>", "<more/>"),
    ("<verify ", "<verify more='x' "),
  ])
  func `a broken look at a point is refused`(part: String, other: String) throws {
    let partial = Samples.partial(
      .verify(.init(point: Samples.pointUUID, disks: ["vda"], volumes: ["a.fd"])))
    let text = try partial.xml().replacingOnce(part, other)
    #expect(throws: DomainXMLError.self) { try Partial(parsing: text) }
    #expect(RelaxNGSchema.backup.validate(text) == .invalid)
  }
}
