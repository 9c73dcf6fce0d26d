// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Testing
import Vsh

@testable import BackupCommands

@Suite struct DiskSpecificationTests {
  @Test func `a disk alone`() throws {
    let specification = try DiskSpecification("vda", keys: ["backup"])
    #expect(specification.disk == "vda")
    #expect(specification["backup"] == nil)
  }

  @Test func `two commas are one in a value`() throws {
    let specification = try DiskSpecification(
      "vda,file=/a,,b=c,driver=raw", keys: ["file", "driver"])
    #expect(specification["file"] == "/a,b=c")
    #expect(specification["driver"] == "raw")
  }

  @Test(arguments: [
    "", ",backup=no", "vda,", "vda,backup", "vda,backup=", "vda,=no", "vda,other=no",
    "vda,backup=no,backup=no", "vda,Backup=no", "vda, backup=no",
  ])
  func `what cannot be read is refused`(text: String) {
    let error = #expect(throws: ShellError.self) {
      try DiskSpecification(text, keys: ["backup"])
    }
    #expect(error?.lines == ["unable to parse diskspec: \(text)"])
  }

  @Test(arguments: [
    ("vda", DiskRequest(name: "vda")),
    ("vda,backup=yes", DiskRequest(name: "vda")),
    ("vda,backup=no", DiskRequest(name: "vda", isIncluded: false)),
    ("sdb,backupmode=full", DiskRequest(name: "sdb", isFull: true)),
    ("sdb,backupmode=incremental", DiskRequest(name: "sdb", isIncremental: true)),
    ("sdb,incremental=p0", DiskRequest(name: "sdb", parent: "p0")),
    (
      "sdb,incremental=p0,backupmode=incremental",
      DiskRequest(name: "sdb", isIncremental: true, parent: "p0")
    ),
  ])
  func `what backup-create understands`(text: String, request: DiskRequest) throws {
    #expect(try DiskRequest(diskspec: text) == request)
  }

  @Test(arguments: [
    "vda,backup=maybe", "vda,backupmode=differential", "vda,backupmode=full,incremental=p0",
    "vda,file=/a",
  ])
  func `what backup-create refuses`(text: String) {
    #expect(throws: ShellError.self) { try DiskRequest(diskspec: text) }
  }

  @Test(arguments: [
    ("vda", RestoreOptions.DiskRequest(name: "vda")),
    ("vda,file=/a/b.img", RestoreOptions.DiskRequest(name: "vda", file: "/a/b.img")),
    (
      "vda,file=/dev/sdx,stype=block",
      RestoreOptions.DiskRequest(name: "vda", file: "/dev/sdx", isDevice: true)
    ),
    ("vda,file=/a,stype=file", RestoreOptions.DiskRequest(name: "vda", file: "/a")),
    ("vda,driver=raw", RestoreOptions.DiskRequest(name: "vda", format: "raw")),
    ("vda,file=\u{301}", RestoreOptions.DiskRequest(name: "vda", file: "\u{301}")),
    (
      "vda,pool=images,file=b.img,driver=qcow2",
      RestoreOptions.DiskRequest(name: "vda", file: "/pools/images/b.img", format: "qcow2")
    ),
  ])
  func `what backup-restore understands`(
    text: String, request: RestoreOptions.DiskRequest
  ) throws {
    #expect(
      try RestoreOptions.DiskRequest(diskspec: text, directory: { "/pools/\($0)" }) == request)
  }

  @Test(arguments: [
    "vda,driver=vmdk", "vda,backup=no", "vda,stype=block", "vda,file=/a,stype=volume",
    "vda,pool=images,file=b.img,stype=block", "vda,pool=images", "vda,pool=images,file=/b.img",
    "vda,pool=images,file=../b.img", "vda,pool=images,file=..\u{2F}\u{301}b",
  ])
  func `what backup-restore refuses`(text: String) {
    #expect(throws: ShellError.self) {
      try RestoreOptions.DiskRequest(diskspec: text, directory: { "/pools/\($0)" })
    }
  }
}
