// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Throw-away domains that are started on backups.
struct BootTests {
  private static func verify(_ scene: Scene, _ more: String...) throws -> Verified {
    try Verified(
      Program.run(
        scene.libvirt, scene.arguments("backup-verify", ["--boot", "--json"] + more),
        timeout: .seconds(300)))
  }

  /// Expects that nothing of a throw-away domain is left, and the pool is what it was.
  private static func expectNothingLeft(
    _ scene: Scene, _ fingerprint: [String], _ when: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try scene.pool.fingerprint() == fingerprint, "\(when)", sourceLocation: sourceLocation)
    #expect(try scene.helpers() == [], "\(when)", sourceLocation: sourceLocation)
  }

  @Test func `a Linux guest passes by its agent, whatever its own domain does`() throws {
    let linux = try LinuxScene(.session)
    defer { linux.remove() }
    let scene = linux.scene
    try linux.console.awaitStart()
    _ = try linux.backUp("p")
    // Its processor is needed.
    try scene.domain.destroy()
    let written = linux.console.text
    let fingerprint = try scene.pool.fingerprint()
    let verified = try Self.verify(scene, "p", "--wait", "4m")
    #expect(verified.result.status == 0, "\(verified.result)")
    #expect(verified.backups["p"]?.boot == "ok")
    #expect(verified.backups["p"]?.bootDetail?.contains("agent") == true)
    try Self.expectNothingLeft(scene, fingerprint)
    // The throw-away domain wrote nothing to the console file of the domain itself.
    #expect(linux.console.text == written)
    let info = try scene.run("backup-info", "p").expectSuccess().stdout
    #expect(info.contains("its guest's agent answered"), "\(info)")
  }

  @Test(arguments: LibvirtMode.available)
  func `a guest that runs on passes, and one with nothing to boot from does not`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode), counting: true)
    defer { scene.remove() }
    let directory = try scene.libvirt.makeDirectory("shots")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try scene.libvirt.giveToDaemon(directory)
    try scene.run("backup-create", "--backupname", "good").expectSuccess()
    try scene.domain.destroy()
    let reports = scene.domain.guest?.report().good
    // The screen is that of the definition.
    let definition = try scene.libvirt.virsh("dumpxml", "--inactive", scene.domain.name)
    let file = "\(directory)/screen.xml"
    try definition.replacing(
      "</devices>", with: "<video><model type='vga'/></video></devices>"
    ).write(toFile: file, atomically: false, encoding: .utf8)
    try scene.libvirt.virsh("define", file)
    try scene.run("backup-create", "--backupname", "seen").expectSuccess()
    try Command.run(
      "qemu-io", ["-f", "qcow2", "-c", "write -q -P 0 0 512", try scene.domain.path("vda")]
    ).expectSuccess()
    try scene.run("backup-create", "--backupname", "bad", "--full").expectSuccess()

    let fingerprint = try scene.pool.fingerprint()
    let good = try Self.verify(scene, "good", "--wait", "20")
    #expect(good.result.status == 0, "\(good.result)")
    #expect(good.backups["good"]?.bootDetail?.contains("still ran") == true)
    try Self.expectNothingLeft(scene, fingerprint)

    let shot = "\(directory)/shot.png"
    let seen = try Self.verify(scene, "seen", "--wait", "20", "--screenshot", shot)
    #expect(seen.result.status == 0, "\(seen.result)")
    let image = try Data(contentsOf: URL(filePath: shot))
    #expect(image.starts(with: [0x89, 0x50, 0x4e, 0x47]) && image.count > 500)

    let bad = try Self.verify(scene, "bad", "--wait", "60")
    #expect(bad.result.status == 1, "\(bad.result)")
    #expect(bad.backups["bad"]?.boot == "failed")
    // The backup is whole although it does not boot.
    #expect(bad.backups["bad"]?.state == "complete")
    try Self.expectNothingLeft(scene, fingerprint)
    // The throw-away domain has none of the original's own QEMU arguments.
    #expect(scene.domain.guest?.report().good == reports)
    let newest = try Self.verify(scene, "--wait", "60")
    #expect(newest.backups.compactMapValues(\.boot) == ["bad": "failed"])
  }

  @Test func `a domain with UEFI firmware has variables of its own`() throws {
    let scene = try FirmwareScene(try .shared(.session))
    defer { scene.remove() }
    try scene.installScript()
    _ = try scene.boot(scene.domain.name)
    let nvram = scene.nvram(of: scene.domain.name)
    let variables = try scene.bytes(nvram)
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let fingerprint = try scene.pool.fingerprint()
    let verified = try Verified(scene.run("backup-verify", "p", "--boot", "--json"))
    // The guest came as far as the startup script, which shuts it down.
    #expect(verified.backups["p"]?.bootDetail == "its guest shut down", "\(verified.result)")
    #expect(verified.result.status == 1)
    #expect(try scene.pool.fingerprint() == fingerprint)
    #expect(try scene.bytes(nvram) == variables)
  }

  @Test func `while a domain runs on a backup it cannot be deleted, and an abort ends it`() throws {
    let scene = try Scene(PrivateLibvirt.shared(.session), counting: true)
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let fingerprint = try scene.pool.fingerprint()
    let client = try scene.start("backup-verify", "p", "--boot", "--wait", "10m")
    try scene.awaitRunningHelper()
    let refused = try scene.run("backup-delete", "p")
    #expect(refused.status == 1 && refused.stderr.contains("is using it"), "\(refused)")
    let told = try scene.run("backup-jobinfo").expectSuccess().stdout
    #expect(told.contains("Verify"), "\(told)")
    try scene.run("backup-jobabort").expectSuccess()
    let ended = try client.wait()
    #expect(ended.status == 1 && ended.stderr.contains("was ended"), "\(ended)")
    try Self.expectNothingLeft(scene, fingerprint)
    let record = try scene.pool.files().contains { $0.hasSuffix(".verified.xml") }
    #expect(record)
    // A check that was ended proves nothing, so that the record has no result of it.
    let info = try scene.run("backup-info", "p", "--json").expectSuccess().stdout
    #expect(info.contains(#""boot":null"#), "\(info)")

    let interrupted = try scene.start("backup-verify", "p", "--boot", "--wait", "10m")
    try scene.awaitRunningHelper()
    interrupted.signal(SIGINT)
    #expect(try interrupted.wait().status == 1)
    try Self.expectNothingLeft(scene, fingerprint, "interrupted")
  }

  @Test func `a throw-away domain whose QEMU is silent is ended`() throws {
    let scene = try Scene(PrivateLibvirt.shared(.session), counting: true)
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let fingerprint = try scene.pool.fingerprint()
    let client = try scene.start("backup-verify", "p", "--boot", "--wait", "15")
    let helper = try scene.awaitRunningHelper()
    kill(try #require(scene.libvirt.qemuPID(domain: helper)), SIGSTOP)
    let ended = try client.wait()
    #expect(ended.status == 1, "\(ended)")
    try Self.expectNothingLeft(scene, fingerprint)
  }

  @Test func `killed at any moment, nothing of it is left`() throws {
    let scene = try Scene(PrivateLibvirt.shared(.session), counting: true)
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try scene.domain.destroy()
    let fingerprint = try scene.pool.fingerprint()
    let rounds = Rounds.count(5)
    for round in 0..<rounds {
      // The last ones come while it runs.
      let number = 8 + round * 60 / rounds
      let killed = try scene.run(
        "backup-verify", "p", "--boot", "--wait", "2",
        environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      let isKilled = killed.ending == .signalled(SIGKILL)
      let clients = try [scene.start("backup-jobinfo"), scene.start("backup-jobinfo")]
      for client in clients { try client.wait().expectSuccess() }
      try Self.expectNothingLeft(scene, fingerprint, "after call \(number)")
      if !isKilled { break }
    }
  }
}

extension Scene {
  /// The names of the helper domains that have volumes of the pool.
  func helpers() throws -> [String] { try libvirt.helpers(of: pool) }

  /// Waits until a domain that was started on a backup runs.
  ///
  /// - Returns: Its name.
  @discardableResult
  fileprivate func awaitRunningHelper() throws -> String {
    var running: String?
    try eventually("the domain runs", within: .seconds(60)) {
      running = try helpers().first {
        (try? libvirt.virsh("domstate", $0))?.hasPrefix("running") == true
      }
      return running != nil
    }
    return try #require(running)
  }
}

extension PrivateLibvirt {
  /// The names of the helper domains that have volumes of a pool.
  func helpers(of pool: Pool) throws -> [String] {
    try domainNames().filter { name in
      guard name.hasPrefix("virsh-backup-") else { return false }
      return (try? virsh("dumpxml", name))?.contains(pool.directory) == true
    }
  }
}
