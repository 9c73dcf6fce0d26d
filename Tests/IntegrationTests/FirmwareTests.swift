// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite struct FirmwareTests {
  @Test(arguments: LibvirtMode.available)
  func `a UEFI domain with a TPM that was undefined with all it had is back`(
    mode: LibvirtMode
  ) throws {
    let scene = try FirmwareScene(try .shared(mode))
    defer { scene.remove() }
    let (libvirt, domain) = (scene.libvirt, scene.domain)
    try scene.installScript()
    #expect(try !scene.boot(domain.name))
    let nvram = scene.nvram(of: domain.name), tpm = scene.tpm(of: scene.uuid)
    let directory = URL(filePath: tpm).deletingLastPathComponent().path
    try scene.index("write", in: directory, "restored")

    try domain.start(paused: true)
    let isRunning = try scene.run("backup-create", "--backupname", "on").expectSuccess()
    #expect(!isRunning.stderr.contains("not saved"))
    let saved = (nvram: try scene.bytes(nvram), tpm: try scene.bytes(tpm))
    try domain.destroy()
    try libvirt.virsh("undefine", domain.name, "--nvram")
    try FileManager.default.removeItem(atPath: try domain.path("vda"))
    #expect(!FileManager.default.fileExists(atPath: nvram))
    #expect(!FileManager.default.fileExists(atPath: tpm))

    let restored = try scene.run("backup-restore").expectSuccess()
    #expect(!restored.stderr.contains("NVRAM") && !restored.stderr.contains("TPM"))
    #expect(try scene.bytes(nvram) == saved.nvram)
    #expect(try scene.bytes(tpm) == saved.tpm)
    // As the emulator reads it, on a copy: reading changes it.
    let copy = try libvirt.makeDirectory("tpm")
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try FileManager.default.copyItem(atPath: tpm, toPath: "\(copy)/tpm2-00.permall")
    try libvirt.giveToDaemon("\(copy)/tpm2-00.permall")
    #expect(try scene.index("read", in: copy) == "restored")
    #expect(try scene.boot(domain.name), "the boot entry is in the NVRAM")
    // The domain's own emulator has taken the state, not made a new one.
    #expect(try scene.index("read", in: directory) == "restored")
  }

  @Test(arguments: LibvirtMode.available)
  func `each point has its own NVRAM, also over a domain, beside it and live`(
    mode: LibvirtMode
  ) throws {
    let scene = try FirmwareScene(try .shared(mode), format: .qcow2)
    defer { scene.remove() }
    let (libvirt, domain) = (scene.libvirt, scene.domain)
    let nvram = scene.nvram(of: domain.name), tpm = scene.tpm(of: scene.uuid)
    let never = try scene.run("backup-create", "--backupname", "never").expectSuccess()
    #expect(!never.stderr.contains("not saved"), "it has none before its first start")

    var saved: [String: (nvram: Data, tpm: Data)] = [:]
    for (number, point) in ["on", "off", "async", "last"].enumerated() {
      try domain.start(paused: true)
      try scene.writeNVRAM(UInt8(number + 1))
      if point != "on" { try domain.destroy() }
      try scene.run(
        "backup-create", "--backupname", point, point == "async" ? "--async" : "--verbose"
      ).expectSuccess()
      if point == "async" {
        try eventually("\(point) is published") {
          try scene.run("backup-jobinfo").expectSuccess().stdout.contains("None")
        }
      }
      saved[point] = (try scene.bytes(nvram), try scene.bytes(tpm))
      if point == "on" { try domain.destroy() }
    }
    #expect(Set(saved.values.map(\.nvram)).count == 4)
    let info = try scene.run("backup-info", "on").expectSuccess().stdout
    #expect(info.contains("NVRAM:          528.00 KiB\n"))
    #expect(info.contains("TPM:            "))

    // Over the domain: the new file comes beside the old one, and goes with the next restore.
    func current() throws -> String {
      let text = try domain.inactiveDefinition()
      let path = text.firstMatch(of: /<nvram[^>]*>([^<]+)<\/nvram>/)?.1
      return path.map { libvirt.hostPath(String($0)) } ?? nvram
    }
    try scene.run("backup-restore", "on", "--overwrite").expectSuccess()
    let second = try current()
    #expect(second != nvram)
    #expect(try scene.bytes(second) == saved["on"]?.nvram)
    #expect(try scene.bytes(tpm) == saved["on"]?.tpm)
    #expect(!FileManager.default.fileExists(atPath: nvram))
    try scene.run("backup-restore", "async", "--overwrite", "--keep-old").expectSuccess()
    #expect(try scene.bytes(try current()) == saved["async"]?.nvram)
    #expect(try scene.bytes(tpm) == saved["async"]?.tpm)
    #expect(try scene.bytes(second) == saved["on"]?.nvram, "--keep-old keeps it")
    let kept = try FileManager.default.contentsOfDirectory(
      atPath: URL(filePath: tpm).deletingLastPathComponent().path
    ).filter { $0.hasPrefix("tpm2-00.permall.") }
    #expect(kept.count == (saved["on"]?.tpm == saved["async"]?.tpm ? 0 : 1))
    try FileManager.default.removeItem(atPath: second)

    // Beside it while it runs, with files of its own.
    let copy = "\(domain.name)-copy"
    try domain.start(paused: true)
    try scene.run("backup-restore", "off", "--newname", copy).expectSuccess()
    defer { scene.forget(copy) }
    #expect(try scene.bytes(scene.nvram(of: copy)) == saved["off"]?.nvram)
    #expect(try scene.bytes(scene.tpm(of: try libvirt.uuid(of: copy))) == saved["off"]?.tpm)
    try libvirt.virsh("start", copy, "--paused")
    #expect(try scene.bytes(scene.nvram(of: copy)) == saved["off"]?.nvram)

    try domain.destroy()

    // A single disk leaves both alone.
    let before = try scene.bytes(try current())
    try scene.run("backup-restore", "last", "--overwrite", "--diskspec", "vda").expectSuccess()
    #expect(try scene.bytes(try current()) == before)

    // Live: it is there before the domain runs.
    let disk = try #require(libvirt.virsh("domblklist", domain.name).split(separator: " ").last)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    try libvirt.virsh("undefine", domain.name, "--nvram")
    try FileManager.default.removeItem(atPath: disk)
    try scene.run("backup-restore", "last", "--live", "--paused").expectSuccess()
    #expect(try scene.bytes(nvram) == saved["last"]?.nvram)

    // Deleting a point gives its files back.
    try scene.run("backup-delete", "on").expectSuccess()
    #expect(try !scene.pool.files().contains { $0.contains(".on.") })
    #expect(try scene.pool.files().filter { $0.hasSuffix(".nvram.fd") }.count == 3)
  }

  @Test(arguments: LibvirtMode.available)
  func `whatever is killed, NVRAM and TPM are whole or not there`(mode: LibvirtMode) throws {
    let scene = try FirmwareScene(try .shared(mode))
    defer { scene.remove() }
    let (libvirt, domain) = (scene.libvirt, scene.domain)
    let nvram = scene.nvram(of: domain.name), tpm = scene.tpm(of: scene.uuid)
    try domain.start(paused: true)
    try scene.writeNVRAM(7)
    let trace = "\(try libvirt.makeDirectory())/calls"
    try scene.run("backup-create", environment: ["VIRSH_BACKUP_TRACE_CALLS": trace])
      .expectSuccess()
    func calls() throws -> Int {
      defer { try? FileManager.default.removeItem(atPath: trace) }
      return try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").count
    }
    let creating = try calls()
    for call in stride(from: creating / 3, to: creating, by: max(1, creating / 5)) {
      _ = try scene.run("backup-create", environment: ["VIRSH_BACKUP_KILL_AT": String(call)])
      try scene.run("backup-create").expectSuccess()
      // QEMU keeps descriptor sets while its guest stands still.
      #expect(
        try domain.leftovers().filter { $0 != "descriptor sets" } == [],
        "killed at call \(call) of \(creating)")
    }
    let saved = (nvram: try scene.bytes(nvram), tpm: try scene.bytes(tpm))
    try domain.destroy()

    func vanish() throws {
      _ = try? libvirt.virsh("undefine", domain.name, "--nvram")
      for path in [nvram, tpm, try domain.path("vda")] {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    try vanish()
    try scene.run("backup-restore", environment: ["VIRSH_BACKUP_TRACE_CALLS": trace])
      .expectSuccess()
    let restoring = try calls()
    for call in stride(from: restoring / 3, to: restoring, by: max(1, restoring / 7)) {
      try vanish()
      _ = try scene.run("backup-restore", environment: ["VIRSH_BACKUP_KILL_AT": String(call)])
      // The next command finishes it or takes it back.
      if try scene.run("backup-restore").status != 0 {
        #expect(try libvirt.virsh("list", "--all", "--name").contains(domain.name))
      }
      let when: Comment = "killed at call \(call) of \(restoring)"
      #expect(try scene.bytes(nvram) == saved.nvram, when)
      #expect(try scene.bytes(tpm) == saved.tpm, when)
      #expect(try scene.pool.files().filter { $0.contains(".partial.") } == [], when)
    }
  }
}
