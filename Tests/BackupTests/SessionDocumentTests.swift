// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// A document of a pull mode backup and the options beside it, as a plan.
struct SessionDocumentTests {
  private func world() throws -> World {
    var world = World(.init("vda"), .init("vdb", index: 2))
    try world.make("p1")
    return world
  }

  /// The options that a document with these contents and some options come to.
  private func merged(
    _ contents: String, in world: World, _ change: (inout SessionOptions) -> Void = { _ in }
  ) throws -> SessionOptions {
    var options = SessionOptions(
      document: try BackupDefinition(
        parsing: "<domainbackup mode='pull'>\(contents)</domainbackup>"))
    change(&options)
    return try options.merged(in: try DomainDefinition(parsing: world.definition))
  }

  private static let unix = "<server transport='unix' socket='/run/s'/>"

  @Test
  func `the server is the document's, unless options name one`() throws {
    let world = try world()
    #expect(try merged(Self.unix, in: world).listen == .unix(path: "/run/s"))
    let tls = try merged("<server name='::1' port='10809' tls='yes'/>", in: world)
    #expect(tls.listen == .tcp(host: "::1", port: 10809))
    #expect(tls.tlsDirectories == SessionOptions.certificateDirectories)
    for server in ["<server name='127.0.0.1'/>", "<server name='127.0.0.1' port='0'/>"] {
      #expect(try merged(server, in: world).listen == .tcp(host: "127.0.0.1", port: nil))
    }
    let asked = try merged(Self.unix, in: world) { $0.listen = .unix(path: "/other") }
    #expect(asked.listen == .unix(path: "/other") && asked.tlsDirectories == nil)
  }

  @Test
  func `disks, parents and names are the document's, unless options name them`() throws {
    let world = try world()
    let text = """
      \(Self.unix)<incremental>p1</incremental><disks>
      <disk name='vdb' exportname='E' exportbitmap='B'/></disks>
      """
    let plan = try world.session(merged(text, in: world))
    #expect(plan.disks.map(\.export) == ["E"] && plan.disks.map(\.view.changes) == ["B"])
    #expect(plan.disks.allSatisfy { !$0.view.bases.isEmpty })
    let full = try merged(
      "\(Self.unix)<disks><disk name='vda' backupmode='full'/></disks>", in: world)
    #expect(try world.session(full).disks.map(\.view.bases) == [[]])
    let other = try world.session(merged(text, in: world) { $0.disks = [.init(name: "vda")] })
    #expect(other.disks.map(\.export) == ["vda"])
    let renamed = try world.session(
      merged(text, in: world) { $0.exports = ["vdb": .init(name: "F", bitmap: nil)] })
    #expect(renamed.disks.map(\.export) == ["F"] && renamed.disks.map(\.view.changes) == ["B"])
  }

  @Test
  func `scratch files are where the document says, each in its directory`() throws {
    let world = try world()
    let text = """
      \(Self.unix)<disks><disk name='vda'><scratch file='/fast/a.img'/></disk>
      <disk name='vdb'/></disks>
      """
    func places(_ text: String, _ directory: String? = nil) throws -> [String] {
      try world.session(merged(text, in: world) { $0.scratchDirectory = directory }).view.disks
        .map { "\($0.scratchDirectory ?? "pool"):\($0.scratchVolume.suffix(17))" }
    }
    #expect(try places(text) == ["/fast:a.img", "pool:vdb.scratch.qcow2"])
    #expect(try places(text, "/slow") == ["/slow:vda.scratch.qcow2", "/slow:vdb.scratch.qcow2"])
    let two = text.replacing(
      "<disk name='vdb'/>", with: "<disk name='vdb'><scratch file='/s/a.img'/></disk>")
    #expect(try places(two) == ["/fast:a.img", "/s:a.img"])
  }

  @Test(arguments: [
    ("type='block'", "<scratch dev='/dev/x'/>", "is a block device"),
    ("", "<scratch file='/a/x'><seclabel relabel='no'/></scratch>", "has <seclabel>"),
    ("", "<scratch file='/a/../x'/>", "path"),
  ])
  func `what a session cannot do is refused`(
    attributes: String, scratch: String, words: String
  ) throws {
    let world = try world()
    let text = "\(Self.unix)<disks><disk name='vda' \(attributes)>\(scratch)</disk></disks>"
    let error = #expect(throws: (any Error).self) { try merged(text, in: world) }
    #expect(error.map { "\($0)" }?.contains(words) == true, "\(String(describing: error))")
    let push = SessionOptions(document: BackupDefinition())
    #expect(throws: BackupError.self) {
      try push.merged(in: try DomainDefinition(parsing: world.definition))
    }
  }

  @Test
  func `the document with every choice made makes the same choices again`() throws {
    let world = try world()
    let text = """
      \(Self.unix)<incremental>p1</incremental><disks>
      <disk name='vdb'><scratch file='/fast/b'/></disk>
      <disk name='vda' backupmode='full' exportname='E'/></disks>
      """
    func document(_ options: SessionOptions) throws -> BackupDefinition {
      try world.session(options).document(
        for: options, in: try DomainDefinition(parsing: world.definition),
        server: .init(transport: .unix(path: "/run/s"), isTLS: false))
    }
    let first = try document(merged(text, in: world))
    #expect(
      try first.xml() == """
        <domainbackup mode='pull'>
          <incremental>p1</incremental>
          <server transport='unix' socket='/run/s'/>
          <disks>
            <disk name='vdb' backup='yes' type='file' backupmode='incremental' incremental='p1' exportname='vdb' exportbitmap='backup-vdb'>
              <driver type='qcow2'/>
              <scratch file='/fast/b'/>
            </disk>
            <disk name='vda' backup='yes' type='file' backupmode='full' exportname='E'/>
          </disks>
        </domainbackup>

        """)
    let again = try SessionOptions(document: BackupDefinition(parsing: first.xml()))
      .merged(in: try DomainDefinition(parsing: world.definition))
    #expect(try document(again) == first)
  }
}
