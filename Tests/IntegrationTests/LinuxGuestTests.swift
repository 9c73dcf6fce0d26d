// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A Linux guest that writes journals to two disks comes back with all that it knew to be written.
struct LinuxGuestTests {
  @Test(arguments: LibvirtMode.available)
  func `a Linux guest backed up while it runs, is off and runs again comes back from each point`(
    mode: LibvirtMode
  ) throws {
    let scene = try LinuxScene(mode)
    defer { scene.remove() }
    let console = scene.console
    try console.awaitStart()
    try console.awaitLines(10)

    let first = try scene.backUp("running", "--async", "--bandwidth", "1")
    // What the guest writes while its data are copied is not of that instant.
    try console.awaitLines(20)
    try scene.finishCopying()
    let firstCopy = try scene.restore(first)
    try scene.expectGood(firstCopy, recovered: true)

    try scene.shutDown(scene.domain.name)
    #expect(console.text.contains("down") && console.complaints == [])
    let second = try scene.backUp("off", "--incremental")
    let secondCopy = try scene.restore(second)
    try scene.domain.start()
    try scene.expectGood(secondCopy, recovered: false)
    try console.awaitStart()
    for disk in ["vda", "vdb"] {
      #expect(console.found(disk) == scene.console(of: secondCopy.name).found(disk))
    }

    try console.awaitLines(10)
    try scene.awaitAgent(of: scene.domain.name)
    let third = try scene.backUp("again", "--incremental")
    let told = try scene.scene.run("backup-info", "again", "--json").expectSuccess().stdout
    #expect(told.contains(#""hostname":""#) && told.contains(#""os.kernel-release":""#), "\(told)")
    let thirdCopy = try scene.restore(third)
    try scene.expectGood(thirdCopy, recovered: true)
    #expect(try scene.scene.points() == ["running", "off", "again"])
    try console.awaitLines(1)
    #expect(console.complaints == [])
    try scene.scene.expectNoStrays()
  }
}

/// A domain that runs Linux, a pool for its backups, and one for what is restored from them.
struct LinuxScene {
  /// A point, and what the guest had said before and after it was made.
  struct Instant {
    let point: String
    /// The last line that was on both disks before the command.
    let oldest: Int
    /// The last line that was on the first disk after it.
    let newest: Int
  }
  /// A domain restored from a point.
  struct Copy {
    let name: String
    let instant: Instant
  }

  /// Which threads serve the disks.
  enum IOThreads {
    /// QEMU's main one.
    case none
    /// One of its own each disk.
    case each
    /// Two that both disks share, queue by queue (`iothread-vq-mapping`); from QEMU 9.0 on.
    case mapped

    /// The numbers of the threads of a disk, counted from 1.
    func numbers(ofDisk number: Int) -> [Int] {
      switch self {
      case .none: []
      case .each: [number]
      case .mapped: [1, 2]
      }
    }
  }

  let scene: Scene
  let restored: Pool

  var libvirt: PrivateLibvirt { scene.libvirt }
  var domain: TestDomain { scene.domain }

  /// Makes all and starts the domain; its guest has not booted yet.
  ///
  /// - Parameters:
  ///   - mode: The daemon.
  ///   - ioThreads: The threads that serve the disks, which the guest keeps busy then.
  /// - Throws: When any of it cannot be made.
  init(_ mode: LibvirtMode, ioThreads: IOThreads = .none) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    scene = try Scene(
      libvirt,
      disks: [
        TestDisk("vda", size: 32 << 20, ioThreads: ioThreads.numbers(ofDisk: 1)),
        TestDisk("vdb", size: 32 << 20, ioThreads: ioThreads.numbers(ofDisk: 2)),
      ],
      isLinux: true)
    do {
      restored = try Pool(libvirt)
    } catch {
      scene.remove()
      throw error
    }
  }

  /// Removes all, and every domain restored.
  func remove() {
    let copies = (try? libvirt.domainNames()) ?? []
    for copy in copies where copy.hasPrefix("\(domain.name)-") { libvirt.discard(copy) }
    scene.remove()
    restored.remove()
  }

  /// What the domain's guest says.
  var console: LinuxConsole { console(of: domain.name) }

  /// What the guest of the domain or of a copy says.
  func console(of name: String) -> LinuxConsole {
    guard let linux = domain.linux else { preconditionFailure("the domain runs Linux") }
    return linux.console(name)
  }

  // MARK: - Backups

  /// Makes a point.
  func backUp(_ point: String, _ more: String...) throws -> Instant {
    let oldest = console.written("vdb")
    try Program.run(
      libvirt, scene.arguments("backup-create", ["--backupname", point] + more)
    ).expectSuccess()
    return Instant(point: point, oldest: oldest, newest: console.written("vda"))
  }

  /// Lets copies that crawl come to their end, and the point be made.
  func finishCopying() throws {
    #expect(try domain.jobs().contains { $0.hasSuffix(" running") })
    try scene.setSpeed(0)
    try eventually("the point is made", within: .seconds(120), every: .milliseconds(200)) {
      try scene.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
  }

  /// Restores a point under a name of its own, and starts it.
  func restore(_ instant: Instant) throws -> Copy {
    let name = "\(domain.name)-\(instant.point)"
    try scene.run(
      "backup-restore", instant.point, "--newname", name, "--target-pool", restored.name, "--start"
    ).expectSuccess()
    return Copy(name: name, instant: instant)
  }

  // MARK: - What must hold

  /// Expects that a restored guest found all that was written at its instant, that its kernel went
  /// through journals or had no need to, and that its file systems are good when it has shut down.
  func expectGood(_ copy: Copy, recovered: Bool) throws {
    let console = console(of: copy.name)
    try console.awaitStart()
    #expect(console.complaints == [], "\(copy)")
    let first = try #require(console.found("vda")), second = try #require(console.found("vdb"))
    #expect(second >= copy.instant.oldest, "\(copy)")
    // One line may be on the disk and not yet on the console.
    #expect(first <= copy.instant.newest + 1, "\(copy)")
    #expect([0, 1].contains(first - second), "\(first) and \(second) in \(copy)")
    #expect(console.recovered == (recovered ? ["vda", "vdb"] : []), "\(copy)")
    try shutDown(copy.name)
    #expect(console.complaints == [], "\(copy)")
    for disk in ["vda", "vdb"] {
      try expectClean(restored.path("\(copy.name)-\(disk).qcow2"), .qcow2)
    }
  }

  /// Expects a file system that needs no repair, nor the kernel to go through its journal.
  func expectClean(
    _ image: String, _ format: TestDisk.Format, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(
      try domain.linux?.damage(in: image, format) == nil, "\(image)",
      sourceLocation: sourceLocation)
  }

  // MARK: - The guest's agent

  /// Waits until the agent answers.
  func awaitAgent(of name: String) throws {
    try eventually("the agent of \(name)", within: .seconds(120), every: .milliseconds(100)) {
      (try? libvirt.virsh("qemu-agent-command", name, #"{"execute":"guest-ping"}"#)) != nil
    }
  }

  /// Has the agent shut the guest down.
  func shutDown(_ name: String) throws {
    // libvirt gives an agent five seconds to answer at all, which on a busy machine may not do.
    var last: CommandResult?
    do {
      try eventually("\(name) is off", within: .seconds(120), every: .milliseconds(100)) {
        if try libvirt.virsh("domstate", name).hasPrefix("shut off") { return true }
        if last?.status != 0 {
          last = try Command.run("virsh", ["-c", libvirt.uri, "shutdown", name, "--mode", "agent"])
        }
        return false
      }
    } catch {
      throw CommandError("\(error): \(String(describing: last))")
    }
  }

  /// Expects that the agent says that nothing is frozen, and that the guest writes.
  func expectThawed(
    _ when: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try console.awaitLines(3)
    try awaitAgent(of: domain.name)
    let status = try libvirt.virsh(
      "qemu-agent-command", domain.name, #"{"execute":"guest-fsfreeze-status"}"#)
    #expect(status.contains("thawed"), "\(when)", sourceLocation: sourceLocation)
    #expect(console.complaints == [], "\(when)", sourceLocation: sourceLocation)
  }
}
