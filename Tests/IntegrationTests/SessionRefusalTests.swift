// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Sessions that make no sense: they are refused, and leave nothing.
struct SessionRefusalTests {
  @Test(arguments: LibvirtMode.available)
  func `what does not exist or makes no sense is refused`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let directory = scene.domain.directory
    try scene.expectNoSession("matching name 'nobody'", "--parent", "nobody")
    try scene.expectNoSession("matching name 'nobody'", "--stored", "nobody")
    try scene.expectNoSession("no disk named 'vdz'", "--diskspec", "vdz")
    try scene.expectNoSession("specified twice", "--diskspec", "vda", "--diskspec", "vda")
    try scene.expectNoSession(
      "two disks would be exported as 'vdb'", "--diskspec", "vda,exportname=vdb", "--diskspec",
      "vdb")
    try scene.expectNoSession("invalid backup name", "--backupname", "../x")
    try scene.expectNoSession("Storage pool not found", "--scratch-pool", "nowhere")
    try scene.expectNoSession("must be absolute", "--socket", "x.sock")
    try scene.expectNoSession("mutually exclusive", "--socket", "/x", "--port", "0")
    try scene.expectNoSession("mutually exclusive", "--stored", "p", "--parent", "q")
    try scene.expectNoSession("--tls", "--tls-dir", "/x")
    try scene.expectNoSession(
      "too long", "--socket", "\(directory)/\(String(repeating: "x", count: 100))")
    try scene.expectNoSession("Failed to bind", "--socket", "\(directory)/nowhere/x.sock")
    #expect(try scene.domain.ourBitmaps() == [])
    for more in [[], ["s"], ["s", "--failed"], ["s", "--forget"]] {
      let result = try Program.run(scene.libvirt, scene.arguments("backup-finish-nbd", more))
      #expect(result.status == 1 && result.stderr.contains("no NBD session"), "\(result)")
    }
    // A name that is in use, by a session and by a point.
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try scene.expectNoSession("already exists", "--backupname", "p")
    let session = try scene.startSession("s")
    let again = try scene.run("backup-start-nbd", "--backupname", "t")
    #expect(again.status == 1 && again.stderr.contains("NBD session 's'"), "\(again)")
    let other = try scene.run("backup-finish-nbd", "t")
    #expect(other.status == 1 && other.stderr.contains("matching name 't'"), "\(other)")
    try session.copy("vda", to: "\(directory)/copy")
    try scene.finishSession("s")
    try scene.expectNoSession("already exists", "--backupname", "s")
    let forgotten = try scene.run("backup-finish-nbd", "s", "--forget").expectSuccess()
    #expect(forgotten.stdout.contains("forgotten"), "\(forgotten)")
    #expect(try scene.recordedSessions() == [])
    #expect(try scene.points() == ["p"])
  }

  @Test(arguments: LibvirtMode.available)
  func `a place that is taken, or not there, is refused`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let directory = scene.domain.directory
    let taken = "\(directory)/taken.sock"
    try "precious".write(toFile: taken, atomically: false, encoding: .utf8)
    try scene.expectNoSession("exists", "--socket", taken)
    #expect(try String(contentsOfFile: taken, encoding: .utf8) == "precious")
    for port in ["-1", "65536", "x"] { try scene.expectNoSession("port", "--port", port) }

    let listener = try Listener()
    defer { listener.close() }
    try scene.expectNoSession("in use", "--port", "\(listener.port)")
    // Documentation's own address (RFC 5737): nobody has it.
    try scene.expectNoSession(
      "Cannot assign requested address", "--address", "192.0.2.1", "--port", "0",
      "--allow-plaintext")
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
      try scene.expectNoSession("--allow-plaintext", "--address", address)
    }
    try scene.expectNoSession("not an IP address", "--address", "nowhere.invalid", "--tls")
    try scene.expectNoSession("cert", "--port", "0", "--tls", "--tls-dir", directory)
    try scene.expectNoSession("/nowhere/ca-cert.pem", "--tls", "--tls-dir", "/nowhere")
    #expect(try scene.domain.ourBitmaps() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a free port is taken, and of no address but the one that is given`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    func listening(_ uri: String) throws -> [String] {
      let port = try #require(uri.firstMatch(of: #/:([0-9]+)\/vda$/#)).1
      return try Command.run("ss", ["-Hltn", "sport", "=", ":\(port)"]).expectSuccess().stdout
        .split(separator: "\n").map { String($0.split(separator: " ")[3]) }
    }
    let session = try scene.startSession("s", "--port", "0")
    let uri = try session.disk("vda").uri
    #expect(uri.hasPrefix("nbd://127.0.0.1:"))
    #expect(try listening(uri).allSatisfy { $0.hasPrefix("127.0.0.1:") })
    #expect(try listening(uri).count == 1)
    try session.copy("vdb", to: "\(scene.domain.directory)/copy")
    try scene.finishSession()
    #expect(try listening(uri) == [])
    let wide = try scene.startSession("t", "--address", "0.0.0.0", "--allow-plaintext")
    #expect(try listening(wide.disk("vda").uri).map { $0.hasPrefix("0.0.0.0:") } == [true])
    try scene.finishSession("--forget")
    try scene.expectNoSessions()
  }

  @Test(.enabled(if: getuid() == 0), arguments: LibvirtMode.available)
  func `the unix socket is closed to other users`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    func connect(as uid: uid_t, _ session: NBDSession) throws -> CommandResult {
      try scene.libvirt.runReader(
        "setpriv",
        ["--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", "--", "nbdinfo", "--size"]
          + [try session.disk("vda").uri])
    }
    for place in [[], ["--socket", "\(scene.libvirt.directory)/tmp/\(scene.domain.name).sock"]] {
      let session = try scene.startSession("s", arguments: place)
      let other = try connect(as: 54_321, session)
      #expect(other.status != 0 && other.stderr.contains("Permission denied"), "\(other)")
      try connect(as: scene.libvirt.uid, session).expectSuccess()
      try scene.finishSession("--forget")
      try scene.expectNoSessions()
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `a read-only connection starts and ends nothing`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let session = try scene.startSession("s")
    for command in ["backup-start-nbd", "backup-finish-nbd"] {
      let result = try Program.run(scene.libvirt, ["-r"] + scene.arguments(command, []))
      #expect(result.status == 1 && result.stderr.contains("error: "), "\(result)")
    }
    #expect(try scene.sessionState() == "s running")
    try session.copy("vda", to: "\(scene.domain.directory)/copy")
    try scene.finishSession()
    try scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `a guest without an agent cannot be quiesced, and runs on`(mode: LibvirtMode) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    try scene.expectNoSession("qemu-guest-agent", "--quiesce")
    let create = try scene.run("backup-create", "--quiesce")
    #expect(
      create.status == 1 && create.stderr.hasPrefix("error: ")
        && create.stderr.contains("\n--quiesce needs the package qemu-guest-agent in the guest")
        && !create.stdout.contains("full ("),
      "\(create)")
    try scene.expectNoSessions()
    #expect(try scene.domain.ourBitmaps() == [])
    #expect(try scene.domain.state() == "running")
    try scene.libvirt.virsh("suspend", scene.domain.name)
    try scene.expectNoSession("paused domain cannot be quiesced", "--quiesce")
    #expect(try scene.domain.state() == "paused")
  }
}

/// A TCP port of the loopback address that somebody listens on.
private struct Listener {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw CommandError("cannot listen") }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
  }

  func close() { Glibc.close(descriptor) }
}
