// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Pull mode `<domainbackup>` documents beside what libvirt makes of them, and sessions they describe.
struct SessionDocumentTests {
  private static let unix = "<server transport='unix' socket='@/nbd.sock'/>"

  /// Documents that both accept, for a domain with vda and vdb, and a checkpoint and a session c1.
  private static let accepted = [
    unix,
    "<incremental>c1</incremental>\(unix)",
    """
    <server name='127.0.0.1' port='#'/><disks><disk name='vdb' exportname='E &amp; "x"'>
    <scratch file='@/b &lt;x&gt;'/></disk><disk name='vda' backup='no'/></disks>
    """,
    """
    <incremental>c1</incremental>\(unix)<disks>
    <disk name='vdb' type='file' exportbitmap='changes'><driver type='qcow2'/>
    <scratch file='@/b'/></disk>
    <disk name='vda' backupmode='full' exportname='E'><scratch file='@/a'/></disk></disks>
    """,
    """
    \(unix)<disks><disk name='vda' incremental='c1'><scratch file='@/a'/></disk></disks>
    """,
  ].map { "<domainbackup mode='pull'>\($0)</domainbackup>" }

  /// A domain whose disks keep bitmaps.
  private func makeScene(_ mode: LibvirtMode) throws -> DocumentScene {
    let scene = try DocumentScene(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", size: 8 << 20)])
    // QEMU makes the socket.
    chmod(scene.directory, 0o777)
    return scene
  }

  @Test(arguments: LibvirtMode.available)
  func `the document with every choice made is the one libvirt shows of a pull`(
    mode: LibvirtMode
  ) throws {
    let scene = try makeScene(mode)
    defer { scene.remove() }
    let domain = scene.scene.domain
    try domain.libvirt.virsh("checkpoint-create-as", domain.name, "c1")
    _ = try scene.scene.startSession("c1")
    try scene.scene.finishSession()
    let port = try FreePort.find()
    for text in Self.accepted {
      let text = text.replacing("#", with: "\(port)")
      let ours = try scene.print(text)
      #expect(try scene.print(ours) == ours, "\(text)")
      #expect(try scene.copies() == [], "what was only printed makes no files")
      try scene.backupBegin(text).expectSuccess()
      let theirs = try domain.libvirt.virsh("backup-dumpxml", domain.name)
      try domain.libvirt.virsh("domjobabort", domain.name)
      #expect(common(ours, in: scene) == common(theirs, in: scene), "\(text)")
      try eventually("libvirt's files are gone") { try scene.copies() == [] }
    }
    try scene.scene.expectNoSessions()
  }

  /// What both documents have: without libvirt's numbers of nodes and the scratch files it makes up.
  private func common(_ text: String, in scene: DocumentScene) -> [String] {
    text.replacing(#/ index='[0-9]+'/#, with: "").split(separator: "\n").filter { line in
      !line.contains("<driver type='qcow2'/>") && !line.contains("</disk>")
        && (!line.contains("<scratch") || line.contains(scene.directory))
    }.map { String($0).replacing("/>", with: ">").replacing("&quot;", with: "\"") }
  }

  /// Documents that both refuse, where libvirt's words name the culprit.
  private static let refused = [
    "\(unix)<disks><disk name='vdz'/></disks>",
    "\(unix)<disks><disk name='vda'/><disk name='vda' backup='no'/></disks>",
    "\(unix)<disks><disk name='vda' backup='no'/></disks>",
    "\(unix)<disks><disk name='vda' backupmode='incremental'/></disks>",
    "\(unix)<disks><disk name='vdb'><scratch file='@/document.xml'/></disk></disks>",
    "<server name='localhost' port='70000'/>",
  ].map { "<domainbackup mode='pull'>\($0)</domainbackup>" }

  /// Documents that we refuse in words of our own; libvirt accepts the last three.
  private static let refusedByUs = [
    ("\(unix)<foo/>", "XML error: line 1: unknown element <foo> in <domainbackup>"),
    ("<server transport='fd' fdgroup='x'/>", "XML error: line 1: "),
    (
      "\(unix)<disks><disk name='vda' exportname='E'/><disk name='vdb' exportname='E'/></disks>",
      "two disks would be exported as 'E'"
    ),
    (
      "\(unix)<incremental>nope</incremental>",
      "no domain backup with matching name 'nope'"
    ),
    (
      "\(unix)<disks><disk name='vda'><scratch file='/nonexistent/a'/></disk></disks>",
      "/nonexistent"
    ),
    (
      "\(unix)<disks><disk name='vda' type='block'><scratch dev='/dev/null'/></disk></disks>",
      "scratch of disk 'vda' is a block device"
    ),
    (
      """
      \(unix)<disks><disk name='vda'><scratch file='@/a'><seclabel relabel='no'/></scratch></disk>
      </disks>
      """, "scratch of disk 'vda' has <seclabel>"
    ),
    ("<server name='0.0.0.0' port='#'/>", "--allow-plaintext"),
  ]

  @Test(arguments: LibvirtMode.available)
  func `what libvirt refuses of a pull is refused, in its words or better ones`(
    mode: LibvirtMode
  ) throws {
    let scene = try makeScene(mode)
    defer { scene.remove() }
    for text in Self.refused {
      let (ours, theirs) = (try scene.start(text), try scene.backupBegin(text))
      #expect(ours.status == 1 && theirs.status == 1, "\(text)")
      #expect(ours.firstError == theirs.firstError, "\(text)")
    }
    let port = try FreePort.find()
    for (contents, words) in Self.refusedByUs {
      let text = "<domainbackup mode='pull'>\(contents)</domainbackup>"
      let ours = try scene.start(text.replacing("#", with: "\(port)"))
      #expect(ours.status == 1 && ours.firstError.contains(words), "\(ours)")
    }
    let push = try scene.start("<domainbackup/>")
    #expect(push.status == 1 && push.firstError.contains("use backup-create"), "\(push)")
    #expect(try scene.copies() == [])
    #expect(try scene.scene.pool.files() == [])
    try scene.scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `a session is what its document says, and options go before that`(
    mode: LibvirtMode
  ) throws {
    let scene = try makeScene(mode)
    defer { scene.remove() }
    let domain = scene.scene.domain
    try domain.write("vda", "write -P 1 1M 100k")
    try domain.write("vdb", "write -P 2 2M 100k")
    let libvirt = domain.libvirt
    let second = try libvirt.makeDirectory(libvirt.uniqueName("second"))
    defer { try? FileManager.default.removeItem(atPath: second) }
    func session(_ name: String, _ contents: String, _ more: [String] = []) throws -> NBDSession {
      let text = "<domainbackup mode='pull'>\(contents)</domainbackup>"
      return try NBDSession(
        libvirt,
        scene.start(text, ["--json", "--backupname", name] + more).expectSuccess())
    }
    let disks = """
      <disks><disk name='vda' exportname='A' exportbitmap='B'><scratch file='@/a &amp; b'/></disk>
      <disk name='vdb'><scratch file='\(second)/b'/></disk></disks>
      """
    let first = try session("s1", Self.unix + disks)
    #expect(try scene.copies() == ["a & b", "nbd.sock"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: second) == ["b"])
    #expect(first.parent == nil && first.disks["vda"]?.uri.contains("/A?") == true)
    let expected = try domain.save()
    try domain.write("vda", "write -P 3 1M 200k")
    for (disk, reference) in expected {
      let copy = "\(domain.directory)/\(disk).copy"
      try first.copy(disk, to: copy)
      #expect(try reference.difference(from: copy, format: .raw) == nil)
    }
    try scene.scene.finishSession()
    try eventually("the files are gone") { try scene.copies() == [] }
    #expect(try FileManager.default.contentsOfDirectory(atPath: second) == [])

    let next = try session(
      "s2", "<incremental>s1</incremental><server name='127.0.0.1'/>" + disks,
      ["--diskspec", "vda,exportname=C", "--scratch-pool", scene.scene.pool.name])
    #expect(next.parent == "s1" && next.disks.count == 1)
    #expect(try scene.copies() == [], "options name another place for the scratch")
    let disk = try next.disk("vda")
    #expect(disk.bitmap == "qemu:dirty-bitmap:B" && disk.uri.contains(#/nbd:\/\/127.*\/C/#))
    #expect(try next.map("vda") == [[1 << 20, 4 << 16]])
    try scene.scene.finishSession("--forget")
    try scene.scene.expectNoSessions()
    #expect(try domain.ourBitmaps() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `what the guest overwrites during a backup is kept where --fleecing says`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 64 << 20)])
    defer { scene.remove() }
    let other = try Pool(scene.libvirt)
    defer { other.remove() }
    try scene.domain.write("vda", "write -P 1 0 32M")
    let expected = try scene.domain.save()
    let client = try scene.startSlowly("p", "--fleecing", other.name)
    #expect(try other.files() == ["\(scene.domain.name).p.vda.scratch.qcow2"])
    #expect(try !scene.pool.files().contains { $0.contains("scratch") })
    try scene.domain.write("vda", "write -P 2 0 8M")
    try scene.setSpeed(0)
    try client.wait().expectSuccess()
    #expect(try other.files() == [])
    #expect(try scene.differences("p", expected) == [])
    // A client that dies leaves nothing there either.
    let dying = try scene.startSlowly("q", "--fleecing", other.name)
    dying.signal(SIGKILL)
    try dying.wait()
    try scene.run("backup-jobabort").expectSuccess()
    #expect(try other.files() == [])
    try scene.expectNoStrays()
    let wrong = try scene.run("backup-create", "--fleecing", "nosuch")
    #expect(wrong.status == 1 && wrong.stderr.contains("nosuch"), "\(wrong)")
  }
}

/// A TCP port that nobody listens on.
private enum FreePort {
  static func find() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
      }
    }
    guard status == 0 else { throw CommandError("no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}

extension DocumentScene {
  /// Runs backup-start-nbd with a document.
  func start(_ text: String, _ more: [String] = []) throws -> CommandResult {
    try Program.run(
      scene.libvirt, scene.arguments("backup-start-nbd", [try document(text)] + more))
  }

  /// What `--print-xml` prints of a document.
  func print(_ text: String) throws -> String {
    try start(text, ["--print-xml"]).expectSuccess().stdout
  }
}
