// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Backup
@testable import BackupCore

/// Names of bitmaps, nodes and volumes, and times.
struct NameTests {
  private let chain = World.makeUUID(1), point = World.makeUUID(2)

  @Test(arguments: ["vda", "sda", "a.b", "x"])
  func `a bitmap's name is read back`(disk: String) {
    let name = BitmapName(chain: chain, point: point, disk: disk)
    #expect(name.text == "virsh-backup.\(chain).\(point).\(disk)")
    #expect(BitmapName(parsing: name.text) == name)
  }

  @Test
  func `other bitmaps are not ours`() {
    for text in [
      "", "bitmap0", "virsh-backup", "virsh-backup.\(chain).\(point)",
      "virsh-backup.\(chain).\(point).", "virsh-backup.nbd.session.vda", "x.\(chain).\(point).vda",
      "virsh-backup.\(chain).p.vda", "virsh-backup-\(chain).\(point).vda.",
    ] {
      #expect(BitmapName(parsing: text) == nil, "\(text)")
    }
  }

  @Test
  func `no node's name is longer than QEMU allows`() {
    for disk in [0, 9, 10, 99, 100] {
      let names = NodeNames(operation: "01234567-89ab-cdef-0123-456789abcdef", disk: disk)
      let all = [
        names.targetFile, names.target, names.scratchFile, names.scratch, names.filter, names.view,
        names.jobFilter, names.job,
      ]
      #expect(Set(all).count == all.count)
      for name in all {
        #expect(name.utf8.count <= 31)
        #expect(name.hasPrefix("vb-0123456789ab-\(disk)-"))
        #expect(OperationID(parsing: name)?.digits == "0123456789ab")
      }
    }
    for name in ["", "vb", "vb-", "vb-0123456789ab", "vb-0123456789ax-0-job", "libvirt-1-format"] {
      #expect(OperationID(parsing: name)?.digits == nil, "\(name)")
    }
  }

  @Test(arguments: [
    ("web1", "web1"), ("a b", "a%20b"), ("a/b", "a%2Fb"), ("..", "%2E."), (".web", "%2Eweb"),
    ("ü", "%C3%BC"), ("a%b", "a%25b"), ("日本", "%E6%97%A5%E6%9C%AC"), ("a~b", "a%7Eb"),
    ("tab\t", "tab%09"),
  ])
  func `a domain's name is escaped in its volumes' names`(name: String, escaped: String) {
    let names = VolumeNames(domain: name, uuid: chain, point: "p1")
    #expect(names.manifest == "\(escaped).p1.backup.xml")
    #expect(names.partial == "\(escaped).p1.partial.xml")
    #expect(names.disk("vda") == "\(escaped).p1.vda.qcow2")
  }

  @Test
  func `a long name is cut, told apart by the UUID and fit for a file`() {
    let uuid = "89abcdef-0123-4567-89ab-cdef01234567"
    for stem in [String(repeating: "a", count: 200), String(repeating: "ü", count: 100)] {
      let names = VolumeNames(
        domain: stem, uuid: uuid, point: String(repeating: "p", count: 60))
      #expect(names.scratch("vda").utf8.count <= 255)
      #expect(names.manifest.contains("~89abcdef.p"))
      #expect(names.manifest.utf8.count == 120 + 9 + 1 + 60 + ".backup.xml".count)
    }
    let fits = String(repeating: "a", count: 120)
    #expect(
      VolumeNames(domain: fits, uuid: uuid, point: "p").manifest == "\(fits).p.backup.xml")
  }

  @Test(arguments: [
    (0, "19700101T000000Z", "1970-01-01T00:00:00Z"),
    (-1, "19691231T235959Z", "1969-12-31T23:59:59Z"),
    (951_782_399, "20000228T235959Z", "2000-02-28T23:59:59Z"),
    (951_782_400, "20000229T000000Z", "2000-02-29T00:00:00Z"),
    (951_868_800, "20000301T000000Z", "2000-03-01T00:00:00Z"),
    (1_795_381_086, "20261122T205806Z", "2026-11-22T20:58:06Z"),
    (4_107_542_399, "21000228T235959Z", "2100-02-28T23:59:59Z"),
    (4_107_542_400, "21000301T000000Z", "2100-03-01T00:00:00Z"),
    (253_402_300_799, "99991231T235959Z", "9999-12-31T23:59:59Z"),
  ])
  func `a time is written in UTC`(seconds: Int64, compact: String, rfc3339: String) {
    #expect(UTCTime(secondsSince1970: seconds).compact == compact)
    #expect(UTCTime(secondsSince1970: seconds).rfc3339 == rfc3339)
  }

  @Test(arguments: [
    ("a.p.partial.xml.done", "a.p.partial.xml"), ("a.p.partial.xml.claim1", "a.p.partial.xml"),
    ("a.p.partial.xml.claim12", "a.p.partial.xml"), ("a.p.partial.xml.claim", nil),
    ("a.p.partial.xml.ended.0123456789ab", "a.p.partial.xml"), ("a.p.partial.xml.ended.1", nil),
    ("a.p.partial.xml.decided0123cdef", "a.p.partial.xml"), ("a.p.partial.xml.decided", nil),
    ("a.p.partial.xml", nil), ("a.p.done", nil), ("a.claim1", nil), ("1", nil), ("", nil),
  ])
  func `a note beside a partial is told from other volumes`(volume: String, partial: String?) {
    #expect(VolumeNames.partial(ofNote: volume) == partial)
  }
}
