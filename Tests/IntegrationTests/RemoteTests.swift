// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Another host's domains, over a network that is counted.
@Suite(.enabled(if: getuid() == 0))
struct RemoteTests {
  /// A hypervisor on another host, and what this one sees of it: nothing but the network.
  private struct Host {
    let libvirt: PrivateLibvirt
    let uri: String
    let link: String

    init() throws {
      libvirt = try PrivateLibvirt(.system, isRemote: true)
      guard let remote = libvirt.remote else { throw CommandError("no remote libvirtd") }
      (uri, link) = remote
    }

    /// Runs the program where the other host's files are not to be seen.
    @discardableResult
    func run(
      _ arguments: [String], environment: [String: String] = [:]
    ) throws -> CommandResult {
      let hide = "mount -t tmpfs hidden \"$0\" && exec \"$@\""
      return try Command.run(
        "unshare",
        ["--mount", "bash", "-c", hide, libvirt.directory, "env"]
          + environment.map { "\($0.key)=\($0.value)" } + [Program.path, "-c", uri] + arguments)
    }

    /// Bytes that went over the network in both directions until now.
    func traffic() throws -> Int {
      try ["rx", "tx"].reduce(0) { sum, direction in
        let file = "/sys/class/net/\(link)/statistics/\(direction)_bytes"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        return sum + (Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0)
      }
    }
  }

  @Test func `a domain of another host is backed up and restored there, and no data comes here`()
    throws
  {
    let host = try Host()
    defer { host.libvirt.close() }
    let scene = try Scene(
      host.libvirt,
      disks: [TestDisk("vda", size: 1 << 30), TestDisk("vdb", .raw, size: 8 << 20)])
    let domain = scene.domain
    /// Runs a command on the domain and the pool, which must succeed without moving data over here.
    @discardableResult
    func run(_ command: String, _ more: String...) throws -> CommandResult {
      let before = try host.traffic()
      let result = try host.run(scene.arguments(command, more)).expectSuccess()
      let cost = try host.traffic() - before
      #expect(cost < 1 << 20, "\(command): \(cost) bytes")
      return result
    }

    try domain.write("vda", "write -P 1 0 1G")
    try domain.write("vdb", "write -P 2 1M 1M")
    let first = try domain.save()
    try run("backup-create", "--backupname", "p1")
    try domain.write("vda", "write -P 3 100M 100k")
    try domain.write("vdb", "write -z 1M 64k")
    let second = try domain.save()
    #expect(try run("backup-create", "--backupname", "p2").stdout.contains("p2 created"))
    let list = try host.run(["backup-list", "--pool", scene.pool.name, "--name", "--topological"])
    #expect(try list.expectSuccess().stdout.split(separator: "\n") == ["p1", "p2"])
    #expect(try scene.differences("p1", first) == [])
    #expect(try scene.differences("p2", second) == [])

    let address = try #require(host.uri.firstMatch(of: #/[0-9.]{7,}/#)?.output)
    let answer = try run(
      "backup-start-nbd", "--backupname", "s", "--parent", "p2", "--address", "\(address)",
      "--allow-plaintext", "--json")
    let session = try NBDSession(host.libvirt, answer)
    let size = try Command.run("nbdinfo", ["--size", session.disk("vda").uri]).expectSuccess()
    #expect(size.stdout == "\(1 << 30)\n")
    #expect(try run("backup-jobinfo").stdout.contains("NBD session"))
    try run("backup-finish-nbd", "--forget")
    try scene.expectNoSessions()

    try domain.vanish()
    try run("backup-restore", "p2")
    #expect(try domain.differences() == [])
    #expect(try domain.state() == "shut off")
    try run("backup-create", "--backupname", "p3")
    try run("backup-delete", "p2")
    #expect(try scene.points() == ["p1", "p3"])
    try run("backup-delete", "p1", "--children")
    try run("backup-delete", "p3")
    #expect(try scene.pool.files() == [])
  }

  @Test func `what cannot be seen from here is neither replaced nor deleted`() throws {
    let host = try Host()
    defer { host.libvirt.close() }
    let scene = try Scene(host.libvirt, disks: [TestDisk("vda", size: 2 << 20)], start: .paused)
    let libvirt = host.libvirt, domain = scene.domain
    try domain.write("vda", "write -P 1 0 100k")
    let reference = try #require(try domain.save()["vda"])
    try host.run(scene.arguments("backup-create", ["--backupname", "p"])).expectSuccess()

    // A socket would come in place of what is there.
    let taken = "\(domain.directory)/taken"
    try "precious".write(toFile: taken, atomically: false, encoding: .utf8)
    let session = try host.run(scene.arguments("backup-start-nbd", ["--socket", taken]))
    #expect(session.ending == .exited(1), "\(session)")
    #expect(session.stderr.contains("--socket"), "\(session)")
    #expect(try String(contentsOfFile: taken, encoding: .utf8) == "precious")

    // Somebody restores by hand where a restore was killed, and uses it.
    let directory = try libvirt.makeDirectory("restored"), copy = libvirt.uniqueName("byhand")
    defer { libvirt.discard(copy) }
    let restore = scene.arguments(
      "backup-restore", ["p", "--newname", copy, "--target-pool", directory])
    let image = "\(directory)/\(copy)-vda.qcow2"
    func kill() throws {
      let killed = try host.run(restore, environment: ["VIRSH_BACKUP_KILL_AT": "blockdev-mirror"])
      #expect(killed.ending == .signalled(SIGKILL), "\(killed)")
      #expect(FileManager.default.fileExists(atPath: image))
    }
    func replace() throws {
      try eventually("the helper is gone") {
        try !libvirt.domainNames().contains { $0.hasPrefix("virsh-backup-") }
      }
      try Command.run("rm", [image]).expectSuccess()
      try Command.run(
        "qemu-img", ["convert", "-O", "qcow2", scene.image("p", "vda"), image]
      ).expectSuccess()
      try libvirt.giveToDaemon(image)
    }
    try kill()
    try replace()
    let definition = "\(domain.directory)/byhand.xml"
    try """
    <domain type='qemu'><name>\(copy)</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
    <source file='\(image)'/><target dev='vda' bus='virtio'/></disk>
    </devices></domain>
    """.write(toFile: definition, atomically: false, encoding: .utf8)
    try libvirt.virsh("create", definition, "--paused")
    let next = try host.run(scene.arguments("backup-create", ["--backupname", "q"]))
    try next.expectSuccess()
    #expect(FileManager.default.fileExists(atPath: image))
    #expect((next.stdout + next.stderr).contains(image), "\(next)")
    try libvirt.virsh("destroy", copy)
    #expect(try reference.difference(from: image, format: .qcow2) == nil)
    try scene.expectNoStrays()

    // The same where nothing uses it yet.
    try Command.run("rm", [image]).expectSuccess()
    try kill()
    try replace()
    let told = try host.run(scene.arguments("backup-jobinfo", [])).expectSuccess()
    #expect(FileManager.default.fileExists(atPath: image), "\(told)")
    #expect((told.stdout + told.stderr).contains(image), "\(told)")
    try scene.expectNoStrays()

    // One that fails while its client lives takes its files away.
    try Command.run("rm", [image]).expectSuccess()
    let late = try host.run(restore + ["--timeout", "1", "--bandwidth", "1"])
    if late.status != 0 {
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [], "\(late)")
    }
  }
}
