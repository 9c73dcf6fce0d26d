// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct SyntaxTests {
  @Test(arguments: ["a", "_", "-a", "20261122T205806Z", "20261122T205806Z-2", "a.b", "0"])
  func `A backup name is one libvirt takes for checkpoints`(name: String) {
    #expect(Syntax.isBackupName(name))
  }

  @Test(arguments: ["", ".a", "a b", "a/b", "ä", "a\n", "a\u{0}", "a:b", "a,b", "e\u{301}"])
  func `Any other backup name is refused`(name: String) {
    #expect(!Syntax.isBackupName(name))
  }

  @Test(arguments: [
    "", "1", "11111111-1111-4111-8111-11111111111", "11111111-1111-4111-8111-1111111111111",
    "11111111-1111-4111-81111-11111111111", "11111111_1111_4111_8111_111111111111",
    "-11111111-1111-4111-8111-111111111111", "{11111111-1111-4111-8111-111111111111}",
    "１1111111-1111-4111-8111-111111111111",
  ])
  func `What is not a UUID is refused`(text: String) {
    #expect(!Syntax.isUUID(text))
  }

  @Test(arguments: ["/", "/a", "/a b/c", "/a/..b", "/a/b..", "/a//b", "/a/./b"])
  func `An absolute path may be almost anything`(path: String) {
    #expect(Syntax.isAbsolutePath(path))
  }

  @Test(arguments: ["", "a", "./a", "/..", "/../a", "/a/..", "/a/../b", "/a\n", "/a\u{0}"])
  func `A path that is relative, climbs or hides something is refused`(path: String) {
    #expect(!Syntax.isAbsolutePath(path))
    #expect(!Syntax.isAbsolutePath("/" + String(repeating: "a", count: 4095)))
  }

  @Test(arguments: [("0", 0), ("007", 7), ("18446744073709551615", UInt64.max)])
  func `A number is digits`(text: String, number: UInt64) {
    #expect(Syntax.number(text) == number)
  }

  @Test(arguments: ["", "+1", "-1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "١"])
  func `Anything else is no number`(text: String) {
    #expect(Syntax.number(text) == nil)
  }

  @Test(arguments: [("+64055:+109", 64055, 109), ("0:0", 0, 0), ("+0:+4294967295", 0, UInt32.max)])
  func `An owner is read out of a label of numbers`(label: String, owner: UInt32, group: UInt32) {
    #expect(FileOwner(label: label) == FileOwner(owner: owner, group: group))
  }

  @Test(arguments: ["", ":", "1", "1:", ":1", "qemu:kvm", "-1:1", "++1:1", "1:2:3", "4294967296:0"])
  func `Any other label says nothing of the owner`(label: String) {
    #expect(FileOwner(label: label) == nil)
  }
}
