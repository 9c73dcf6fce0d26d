// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Operations of other hosts and other clients in one pool: none is touched but by whom it is of.
struct OtherHostTests {
  /// Leaves a backup whose client and QEMU were killed while it copied.
  ///
  /// - Returns: Its partial.
  private func abandon(_ scene: Scene) throws -> String {
    try scene.domain.write("vda", "write -P 0x21 1M 48M")
    let client = try scene.startSlowly("p")
    kill(client.pid, SIGKILL)
    _ = try client.wait()
    try scene.domain.killQEMU()
    try scene.domain.start()
    return scene.pool.path(try #require(try scene.pool.files().first { $0.contains("partial") }))
  }

  private static func makeScene(_ libvirt: PrivateLibvirt) throws -> Scene {
    try Scene(libvirt, disks: [TestDisk("vda", size: 64 << 20)])
  }

  /// Changes a document in place: its owner and mode stay.
  private func edit(_ path: String, _ change: (String) throws -> String) throws {
    let text = try change(String(contentsOfFile: path, encoding: .utf8))
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  private static func read(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Has a partial say that a clone of this machine wrote it, which runs beside it.
  private func giveToClone(_ partial: String) throws {
    let boot = try Self.read("/proc/sys/kernel/random/boot_id")
    try edit(partial) { $0.replacing(boot, with: UUID().uuidString.lowercased()) }
    try Command.run("touch", ["-d", "1 hour ago", partial]).expectSuccess()
  }

  @Test func `an operation of a cloned host is left alone, until that host is gone`() throws {
    let scene = try Self.makeScene(PrivateLibvirt.shared(.session))
    defer { scene.remove() }
    let partial = try abandon(scene)
    try giveToClone(partial)
    let files = try scene.pool.files()
    let host = try Self.read("/proc/sys/kernel/hostname")

    let info = try scene.run("backup-jobinfo").expectSuccess()
    #expect(info.stdout.contains("running on \(host)"), "\(info)")
    #expect(try scene.pool.files() == files)
    try scene.run("backup-create", "--backupname", "q").expectSuccess()
    let refused = try scene.run("backup-jobabort")
    #expect(refused.status == 1)
    for text in ["backup 'p' of domain", "host '\(host)", "--host-is-gone"] {
      #expect(refused.stderr.contains(text), "\(refused)")
    }
    // Its name is taken.
    #expect(try scene.run("backup-create", "--backupname", "p").status == 1)

    let forgotten = try scene.run("backup-jobabort", "--host-is-gone").expectSuccess()
    #expect(forgotten.stdout.contains("forgotten") || forgotten.stderr.contains("forgotten"))
    #expect(try scene.points() == ["q"])
    try scene.expectNoStrays()
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let again = try scene.run("backup-jobabort", "--host-is-gone")
    #expect(again.status == 1 && again.stderr.contains("no operation of another host"), "\(again)")
  }

  @Test func `a host is known again when libvirt makes up another UUID`() throws {
    // A daemon of its own: it gets another UUID.
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let scene = try Self.makeScene(libvirt)
    try scene.domain.write("vda", "write -P 0x21 1M 48M")
    try Program.run(libvirt, scene.slowCreate("p", ["--async"])).expectSuccess()
    let configuration = "\(libvirt.directory)/c/libvirt/libvirtd.conf"
    try edit(configuration) {
      $0.replacing(/host_uuid = "[^"]+"/, with: "host_uuid = \"\(UUID().uuidString.lowercased())\"")
    }
    try libvirt.restart()
    let info = try scene.run("backup-jobinfo").expectSuccess().stdout
    #expect(info.contains("running") && !info.contains("running on"), "\(info)")
    try scene.setSpeed(0)
    try eventually("the backup is complete") {
      try scene.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
    #expect(try scene.points() == ["p"])
    try scene.expectNoStrays()
  }

  @Test func `an old operation is left alone while its client lives`() throws {
    let scene = try Self.makeScene(PrivateLibvirt.shared(.session))
    defer { scene.remove() }
    let partial = try abandon(scene)
    let fields = try Self.read("/proc/self/stat").split(separator: ")").last?.split(separator: " ")
    let start = try #require(fields?.dropFirst(19).first)
    // This process is the client.
    try edit(partial) {
      $0.replacing(/\spid=["']\d+["']/, with: " pid=\"\(getpid())\"")
        .replacing(/startTime=["']\d+["']/, with: "startTime=\"\(start)\"")
    }
    try Command.run("touch", ["-d", "1 hour ago", partial]).expectSuccess()
    let info = try scene.run("backup-jobinfo").expectSuccess()
    #expect(info.stdout.contains("running"), "\(info)")
    let refused = try scene.run("backup-create")
    #expect(refused.status == 1 && refused.stderr.contains("backup-jobabort"), "\(refused)")
    try scene.run("backup-jobabort").expectSuccess()
    try scene.expectNoStrays()
    try scene.run("backup-create").expectSuccess()
  }

  @Test(.enabled(if: getuid() == 0, "unshare wants root"))
  func `a client in another container is not taken for dead`() throws {
    let scene = try Self.makeScene(PrivateLibvirt.shared(.session))
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x21 1M 48M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let directory = try scene.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let client = try Program.start(
      scene.libvirt,
      scene.arguments(
        "backup-restore", ["p", "--no-define", "--target-pool", directory, "--bandwidth", "8"]),
      as: .inContainer)
    var helper = ""
    try eventually("it copies") {
      let names = try scene.libvirt.domainNames().filter { $0.hasPrefix("virsh-backup-") }
      helper =
        names.first {
          (try? scene.libvirt.virsh("dumpxml", $0))?.contains(scene.pool.directory) == true
        } ?? ""
      return !helper.isEmpty
    }
    let info = try scene.run("backup-jobinfo").expectSuccess()
    #expect(info.stdout.contains("running"), "\(info)")
    try client.wait().expectSuccess()
    try scene.expectNoStrays()
  }

  @Test func `a backup of a clone in the same pool is taken only when it is named`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let pool = scene.history.pool, domain = scene.domain
    // The newer one, as if a clone of this host had made it.
    let manifest = try #require(try pool.files().first { $0.hasSuffix(".q.backup.xml") })
    try edit(pool.path(manifest)) { text in
      text.replacing(/<host [^>]*\/>/, with: "").replacing(
        "</consistency>",
        with: "</consistency><host uuid='\(UUID().uuidString.lowercased())' name='clone'/>")
    }
    let list = try Program.expectSuccess(
      scene.libvirt, "backup-list", "--domain", domain.name, "--pool", pool.name)
    #expect(list.contains("Host") && list.contains("clone"), "\(list)")
    let info = try scene.history.run("backup-info", "q").expectSuccess().stdout
    #expect(info.contains(/Host: +clone/), "\(info)")

    let own = try scene.history.run("backup-restore", "--overwrite").expectSuccess()
    #expect(own.stderr.contains("newer backup of host 'clone': q"), "\(own)")
    #expect(try scene.differences(from: "p") == [])
    let named = try scene.history.run("backup-restore", "q", "--overwrite").expectSuccess()
    #expect(named.stderr.contains("made on host 'clone'"), "\(named)")
    #expect(try scene.differences(from: "q") == [])

    // Without one of this host none is taken in place of a domain's disks.
    try scene.history.run("backup-delete", "p").expectSuccess()
    let refused = try scene.history.run("backup-restore", "--overwrite")
    #expect(refused.status == 1 && refused.stderr.contains("'q' of host 'clone'"), "\(refused)")
    #expect(try scene.differences(from: "q") == [])
    try domain.undefine()
    for file in try scene.files() { try FileManager.default.removeItem(atPath: scene.path(file)) }
    try scene.history.run("backup-restore").expectSuccess()
    #expect(try scene.differences(from: "q") == [])
  }
}
