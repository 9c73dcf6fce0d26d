// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Restores over a domain that go on without their client: who ends them does so once, and wholly.
struct AsyncOverwriteTests {
  /// Ends what can be ended, and expects that it was.
  @discardableResult
  private static func settle(_ scene: OverwriteScene, _ when: String = "") throws -> CommandResult {
    var result = try scene.history.run("backup-jobinfo").expectSuccess()
    // A client that was killed in the moment of its claim is waited for, some seconds.
    try eventually("nothing is under way \(when)", every: .seconds(1)) {
      if result.stdout.contains("None") { return true }
      result = try scene.history.run("backup-jobinfo").expectSuccess()
      return false
    }
    try scene.expectNoStrays(when)
    return result
  }

  @Test(arguments: LibvirtMode.available)
  func `the next command replaces the disks, and starts the domain`(mode: LibvirtMode) throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(mode))
    defer { scene.history.remove() }
    let domain = scene.domain
    let before = try domain.inactiveDefinition()
    try scene.startAsync("p")
    // Nothing has changed as yet.
    #expect(try domain.inactiveDefinition() == before)
    try Self.settle(scene)
    #expect(try scene.differences(from: "p") == [])
    #expect(try scene.files() == scene.imageNames())

    try scene.startAsync("q", "--keep-old", "--paused")
    try Self.settle(scene)
    #expect(try domain.state() == "paused")
    try domain.destroy()
    #expect(try scene.differences(from: "q") == [])
    #expect(try scene.files().count == 4)
  }

  @Test(arguments: LibvirtMode.available)
  func `a domain that is not what it was keeps its disks`(mode: LibvirtMode) throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(mode))
    defer { scene.history.remove() }
    let domain = scene.domain, libvirt = scene.history.libvirt
    let files = try scene.files()
    func expectKept(_ reason: String) throws {
      let result = try Self.settle(scene, reason)
      #expect(result.stdout.contains(" is undone: ") && result.stdout.contains(reason), "\(result)")
      #expect(try scene.files().filter { $0 != "overlay.qcow2" } == files, "\(reason)")
    }
    try scene.startAsync("p")
    try domain.start(paused: true)
    try expectKept("domain '\(domain.name)' is running")
    try domain.destroy()

    try scene.startAsync("p")
    try domain.redefine(replacing: [(">32768<", ">65536<")])
    let redefined = try domain.inactiveDefinition()
    try expectKept("was redefined in the meantime")
    #expect(try domain.inactiveDefinition() == redefined)

    let overlay = scene.path("overlay.qcow2")
    try scene.startAsync("p")
    try libvirt.virsh(
      "snapshot-create-as", domain.name, "s", "--disk-only", "--diskspec", "vda,file=\(overlay)",
      "--diskspec", "vdb,snapshot=no")
    try expectKept("snapshot 's' of domain '\(domain.name)' has disk 'vda'")
    try libvirt.virsh("snapshot-delete", domain.name, "s", "--metadata")
    try domain.redefine(replacing: [("/overlay.qcow2'", "/vda.qcow2'")])
    try FileManager.default.removeItem(atPath: overlay)

    try scene.startAsync("p")
    try scene.history.run("backup-jobabort").expectSuccess()
    try Self.settle(scene)
    #expect(try scene.files() == files)
    try scene.expectToStart()
  }

  @Test(arguments: LibvirtMode.available)
  func `whoever ends it is killed at any call, and the next one goes on`(mode: LibvirtMode) throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(mode))
    defer { scene.history.remove() }
    let trace = scene.path("calls")
    try scene.startAsync("q")
    try Program.run(
      scene.history.libvirt,
      ["backup-jobinfo", scene.domain.name, "--pool", scene.history.pool.name],
      environment: ["VIRSH_BACKUP_TRACE_CALLS": trace]
    ).expectSuccess()
    #expect(try scene.differences(from: "q") == [])
    let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").count
    var has = "q"
    var outcomes: Set<Bool> = [], kills = 0
    // Other calls in each mode.
    for call in stride(from: mode == .session ? 1 : 4, to: calls, by: 6) {
      let when = "killed at call \(call) of \(calls)"
      let wanted = has == "q" ? "p" : "q"
      try scene.startAsync(wanted)
      let killed = try Program.run(
        scene.history.libvirt,
        ["backup-jobinfo", scene.domain.name, "--pool", scene.history.pool.name],
        environment: ["VIRSH_BACKUP_KILL_AT": "\(call)"])
      // It does not wait as often as another one did.
      #expect([.signalled(SIGKILL), .exited(0)].contains(killed.ending), "\(when)")
      if killed.ending == .signalled(SIGKILL) { kills += 1 }
      // Before anybody settles.
      let isNew = try scene.differences(from: wanted) == []
      if !isNew { #expect(try scene.differences(from: has) == [], "\(when)") }
      try Self.settle(scene, when)
      let isWhole = try scene.differences(from: wanted) == []
      #expect(isWhole || !isNew, "\(when)")
      if !isWhole { #expect(try scene.differences(from: has) == [], "\(when)") }
      #expect(try scene.files() == scene.imageNames(), "\(when)")
      if isWhole { has = wanted }
      outcomes.insert(isWhole)
    }
    #expect(outcomes.contains(true) && kills > 3, "\(kills) killed, of \(calls) calls")
    try scene.expectToStart()
  }

  /// This process, as a client writes itself into its claim.
  private static func ownText() throws -> String {
    func read(_ path: String) throws -> String {
      try String(contentsOfFile: path, encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let fields = try read("/proc/self/stat").split(separator: ")").last?.split(separator: " ")
    let start = try #require(fields?.dropFirst(19).first)
    let boot = try read("/proc/sys/kernel/random/boot_id")
    return "\(getpid()).\(start).\(boot).\(try read("/proc/sys/kernel/hostname"))"
  }

  @Test func `a client that has claimed the end is waited for, but not for ever`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let before = try scene.domain.inactiveDefinition()
    func claim(_ content: String) throws -> String {
      let pool = scene.history.pool
      let partial = try #require(pool.files().first { $0.hasSuffix(".partial.xml") })
      let path = pool.path("\(partial).claim1")
      try content.write(toFile: path, atomically: false, encoding: .utf8)
      try Command.run("chmod", ["644", path]).expectSuccess()
      return path
    }
    try scene.startAsync("p")
    let living = try claim(Self.ownText())
    let waits = try scene.history.run("backup-jobinfo").expectSuccess().stdout
    #expect(waits.contains("running"), "\(waits)")
    let aborted = try scene.history.run("backup-jobabort")
    #expect(aborted.status == 1)
    #expect(aborted.stderr.contains("another client is ending the restore"), "\(aborted)")
    #expect(try scene.domain.inactiveDefinition() == before)
    try Command.run("touch", ["-d", "3 minutes ago", living]).expectSuccess()
    try Self.settle(scene, "it gave no sign of life")
    #expect(try scene.differences(from: "p") == [])

    try scene.startAsync("q")
    let empty = try claim("")
    try Command.run("touch", ["-d", "1 minute ago", empty]).expectSuccess()
    try Self.settle(scene, "it was killed before it wrote")
    #expect(try scene.differences(from: "q") == [])

    // One that is done leaves no claim without a partial.
    let orphan = scene.history.pool.path("x.partial.xml.claim12")
    try "".write(toFile: orphan, atomically: false, encoding: .utf8)
    try Command.run("chown", ["--reference", scene.history.pool.directory, orphan]).expectSuccess()
    try Self.settle(scene, "there was an orphan")
  }

  @Test func `of several commands that find it copied one ends it`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    for point in ["p", "q", "p"] {
      try scene.startAsync(point)
      let clients = try (0..<4).map { _ in
        try Program.start(
          scene.history.libvirt,
          ["backup-jobinfo", scene.domain.name, "--pool", scene.history.pool.name])
      }
      let results = try clients.map { try $0.wait().expectSuccess().stdout }
      try Self.settle(scene)
      #expect(try scene.differences(from: point) == [], "\(results)")
      #expect(try scene.files() == scene.imageNames())
    }
    try scene.expectToStart()
  }
}
