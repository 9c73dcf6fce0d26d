// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Whatever of a session dies, and when: the rest is ended, and the next one misses nothing.
struct KilledSessionTests {
  @Test(arguments: KilledClientTests.Share.all)
  func `a start killed after any of its calls is undone, or the session is there`(
    share: KilledClientTests.Share
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(share.mode))
    defer { scene.remove() }
    let domain = scene.domain
    try scene.startSession("base").expectDisks()
    try scene.finishSession()
    var served = 0
    try share.killAfterEach { number in
      try domain.write("vda", "write -P \(number % 255 + 1) \(number % 50 * 100)k 70k")
      let files = try scene.pool.files()
      let killed = try scene.run(
        "backup-start-nbd", "--backupname", "s", "--parent", "base",
        environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      #expect(try domain.state() == "running" || killed.status != 0)
      if try scene.pool.files() == files, try domain.exports() == [] {
        try scene.expectNoSessions("nothing was begun")
        return killed.ending
      }
      if let state = try scene.sessionState() {
        // One that was not served is undone, unless nothing in QEMU tells that it ever began.
        if state == "s running" { served += 1 } else { #expect(try domain.leftovers() == []) }
        try scene.finishSession("s", "--failed")
      }
      try scene.expectNoSessions("after call \(number)")
      #expect(try domain.state() == "running", "after call \(number)")
      #expect(try scene.recordedSessions() == ["base"], "after call \(number)")
      return killed.ending
    }
    #expect(served > 0)
    let references = try domain.save()
    let session = try scene.startSession("last", "--parent", "base")
    try session.expectDisks()
    #expect(try session.map("vda").reduce(0) { $0 + $1[1] } > 0)
    for (disk, reference) in references {
      let copy = "\(domain.directory)/\(disk).copy"
      try session.copy(disk, to: copy)
      #expect(try reference.difference(from: copy, format: .raw) == nil)
    }
    try scene.finishSession()
  }

  @Test(arguments: KilledClientTests.Share.all.filter { $0.first == 1 })
  func `a finish killed after any of its calls is finished by the next`(
    share: KilledClientTests.Share
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(share.mode))
    defer { scene.remove() }
    var parent = "base"
    try scene.startSession(parent).expectDisks()
    try scene.finishSession()
    try share.killAfterEach { number in
      let name = "s\(number)"
      let isFailed = number % 2 == 0
      try scene.startSession(name, "--parent", parent).expectDisks()
      let killed = try Program.run(
        scene.libvirt, scene.arguments("backup-finish-nbd", isFailed ? ["--failed"] : []),
        environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      if try scene.sessionState() != nil {
        try scene.finishSession(arguments: isFailed ? ["--failed"] : [])
      }
      try scene.expectNoSessions("after call \(number)")
      let left = try scene.recordedSessions()
      if isFailed {
        #expect(left == [parent], "after call \(number)")
      } else {
        // Once it was decided it stays decided; before, it was not begun.
        #expect(left == [name], "after call \(number)")
        parent = name
      }
      return killed.ending
    }
    #expect(try scene.domain.state() == "running")
  }

  @Test(arguments: LibvirtMode.available)
  func `a reader that is killed does not keep a session from ending`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let session = try scene.startSession("s")
    let killed = try session.hold("vda")
    killed.signal(SIGKILL)
    try killed.wait()
    let stopped = try session.hold("vdb")
    stopped.signal(SIGSTOP)
    try session.copy("vdb", to: "\(scene.domain.directory)/copy")
    try scene.finishSession()
    stopped.signal(SIGKILL)
    try stopped.wait()
    try scene.expectNoSessions()
    // Who still reads when it ends gets an error.
    let next = try scene.startSession("t", "--parent", "s")
    let reader = try next.hold("vda")
    try scene.finishSession()
    #expect(try next.copyFails("vda"))
    reader.signal(SIGKILL)
    try reader.wait()
    try scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `a session outlives the daemon`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let scene = try Scene(libvirt)
    try scene.domain.write("vda", "write -P 0x41 1M 1M")
    let references = try scene.domain.save()
    let session = try scene.startSession("s")
    try libvirt.kill()
    try libvirt.start()
    _ = try? libvirt.virsh("pool-start", scene.pool.name)
    try scene.domain.write("vda", "write -P 0x42 1M 1M")
    #expect(try scene.sessionState() == "s running")
    let copy = "\(scene.domain.directory)/copy"
    try session.copy("vda", to: copy)
    #expect(try references["vda"]?.difference(from: copy, format: .raw) == nil)
    try scene.finishSession()
    try scene.expectNoSessions()

    // One of a domain that is shut off outlives it too, in its helper.
    try scene.domain.destroy()
    let offline = try scene.startSession("t", "--parent", "s")
    try libvirt.restart()
    _ = try? libvirt.virsh("pool-start", scene.pool.name)
    #expect(try scene.sessionState() == "t running")
    #expect(try offline.update("vda", in: copy) == 1 << 20)
    #expect(try libvirt.domainNames().contains { $0.hasPrefix("virsh-backup-") })
    try scene.finishSession()
    try scene.expectNoSessions()
    #expect(try libvirt.domainNames() == [scene.domain.name])
  }

  @Test(arguments: LibvirtMode.available)
  func `a session whose domain is shut down is shown as failed until it is finished`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let domain = scene.domain
    let copy = "\(domain.directory)/copy"
    let first = try scene.startSession("s1")
    try first.copy("vda", to: copy)
    try domain.write("vda", "write -P 0x41 2M 64k")
    try domain.destroy()
    #expect(try scene.sessionState() == "s1 failed")
    #expect(try scene.sessionState() == "s1 failed")
    // Whether all that its reader got was of one instant nobody can tell any more.
    let finished = try scene.run("backup-finish-nbd")
    #expect(finished.status == 1 && finished.stderr.contains("its QEMU has ended"), "\(finished)")
    #expect(try scene.pool.files() == [])
    try domain.start()
    #expect(try scene.recordedSessions() == [])
    try scene.startSession("s1").copy("vda", to: copy)
    try scene.finishSession()
    try domain.write("vda", "write -P 0x42 4M 64k")
    let expected = try domain.save()
    let second = try scene.startSession("s2", "--parent", "s1")
    #expect(try second.map("vda") == [[4 << 20, 64 << 10]])
    _ = try second.update("vda", in: copy)
    #expect(try expected["vda"]?.difference(from: copy, format: .raw) == nil)

    // The reader says itself that it had not got all: the earlier session counts.
    try domain.destroy()
    try scene.finishSession("--failed")
    #expect(try scene.pool.files() == [])
    try domain.start()
    #expect(try scene.recordedSessions() == ["s1"])
    // Another changing command ends it too.
    try scene.startSession("s3", "--parent", "s1").expectSize(of: "vda")
    try domain.destroy()
    try domain.start()
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try scene.expectNoSessions()
    #expect(try scene.recordedSessions() == ["s1"])
  }

  @Test(arguments: LibvirtMode.available)
  func `after a crash of QEMU changes are not taken for known`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    try scene.startSession("s1").expectDisks(known: false)
    try scene.domain.killQEMU()
    #expect(try scene.sessionState() == "s1 failed")
    try scene.finishSession("--failed")
    #expect(try scene.pool.files() == [])
    try scene.domain.start()
    if try scene.recordedSessions() == ["s1"] {
      try scene.expectNoSession(
        "domain was not shut down cleanly", "--backupname", "s2", "--parent", "s1")
    } else {
      try scene.expectNoSession("matching name 's1'", "--backupname", "s2", "--parent", "s1")
    }
    try scene.startSession("s2").expectDisks(known: false)
    try scene.finishSession("--forget")
    #expect(try scene.domain.ourBitmaps() == [])
    try scene.expectNoSessions()
  }
}

extension NBDSession {
  /// Expects both disks, and whether what changed is known.
  fileprivate func expectDisks(known: Bool? = nil) throws {
    #expect(disks.keys.sorted() == ["vda", "vdb"])
    #expect(disks.values.allSatisfy { $0.size == 8 << 20 })
    if let known { #expect(disks.values.allSatisfy { ($0.bitmap != nil) == known }) }
  }

  /// Expects a disk's size.
  fileprivate func expectSize(of target: String) throws {
    #expect(try disk(target).size == 8 << 20)
  }

  /// Whether a disk can no longer be copied.
  fileprivate func copyFails(_ target: String) throws -> Bool {
    try libvirt.runReader("nbdcopy", [try disk(target).uri, "null:"]).status != 0
  }
}
