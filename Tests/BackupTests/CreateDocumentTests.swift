// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// A document and the options beside it, as a plan.
struct CreateDocumentTests {
  private func options(_ text: String, _ change: (inout CreateOptions) -> Void = { _ in }) throws
    -> CreateOptions
  {
    var options = CreateOptions(document: try BackupDefinition(parsing: text))
    change(&options)
    return options
  }

  private static let copies = """
    <domainbackup><disks><disk name='vdb'><target file='/b'/></disk>
    <disk name='vda'><driver type='raw'/><target file='/a'/></disk></disks></domainbackup>
    """

  private func world() throws -> World {
    var world = World(.init("vda"), .init("vdb", index: 2))
    try world.make("p1")
    return world
  }

  /// `vda incremental p1` for each disk of a plan, in the document's order.
  private func choices(_ options: CreateOptions, in world: World) throws -> [String] {
    (try world.plan(options).document.disks ?? []).map { disk in
      ([disk.name, disk.mode?.rawValue ?? "no"] + (disk.incremental.map { [$0] } ?? []))
        .joined(separator: " ")
    }
  }

  @Test
  func `what nothing is said of is chosen, and what is said holds`() throws {
    let world = try world()
    let full = "<domainbackup><disks><disk name='vdb' backupmode='full'/></disks></domainbackup>"
    #expect(
      try choices(options("<domainbackup/>"), in: world)
        == ["vda incremental p1", "vdb incremental p1"])
    #expect(try choices(options(full), in: world) == ["vdb full", "vda no"])
    let named = "<domainbackup><incremental>p1</incremental></domainbackup>"
    #expect(try world.plan(options(named)).manifest.disks.map(\.isDifferential) == [true, true])
  }

  @Test
  func `options go before the document`() throws {
    let world = try world()
    let mixed = """
      <domainbackup><disks><disk name='vda' backupmode='full'/><disk name='vdb' incremental='p1'/>
      </disks></domainbackup>
      """
    #expect(
      try choices(options(mixed) { $0.isFull = true }, in: world) == ["vda full", "vdb full"])
    #expect(
      try choices(options(mixed) { $0.isIncremental = true }, in: world)
        == ["vda incremental p1", "vdb incremental p1"])
    #expect(
      try choices(options(mixed) { $0.parent = "p1" }, in: world)
        == ["vda incremental p1", "vdb incremental p1"])
    #expect(
      try choices(
        options(mixed) { $0.disks = [.init(name: "vda", isIncluded: false)] }, in: world)
        == ["vda no", "vdb incremental p1"])
    let unknown = "<domainbackup><incremental>nope</incremental></domainbackup>"
    #expect(
      try choices(options(unknown) { $0.isFull = true }, in: world) == ["vda full", "vdb full"])
    #expect(throws: BackupError.self) { try choices(options(unknown), in: world) }
  }

  @Test
  func `copies are full unless told, record nothing and stand in the partial`() throws {
    let world = try world()
    let plan = try world.plan(options(Self.copies))
    #expect(plan.isCopy && plan.view.startRecording == nil)
    #expect(plan.disks.allSatisfy { $0.bitmap == nil && $0.bases.isEmpty })
    #expect(
      plan.disks.map(\.target?.described) == [
        .init(type: .file, path: "/a", format: "raw"),
        .init(type: .file, path: "/b", format: "qcow2"),
      ])
    let since = try world.plan(options(Self.copies) { $0.parent = "p1" })
    #expect(since.disks.allSatisfy { $0.bitmap == nil && !$0.bases.isEmpty })
    #expect(since.view.startRecording == nil && since.view.selectChanges != nil)
    let one = try world.plan(
      options(Self.copies) { $0.disks = [.init(name: "vda", isIncremental: true)] })
    #expect(one.manifest.disks.map(\.mode) == [.incremental, .full], "its target stays")
    #expect(one.disks.allSatisfy { $0.target != nil })
  }

  @Test
  func `the printed document is printed again as it is`() throws {
    let world = try world()
    for text in [
      "<domainbackup/>", Self.copies, "<domainbackup><incremental>p1</incremental></domainbackup>",
    ] {
      let printed = try world.plan(options(text)).document
      let again = try world.plan(options(printed.xml())).document
      #expect(again == printed)
      #expect(try again.xml() == printed.xml())
    }
  }

  @Test(arguments: [
    ("<disk name='vda'><target file='/a'/></disk><disk name='vdb'/>", "disk 'vdb' has no <target>"),
    (
      "<disk name='vda'><target file='/a'/></disk><disk name='vdb'><target file='/a'/></disk>",
      "store '/a' for backup of 'vdb' exists"
    ),
    ("<disk name='vda'><driver type='raw'/></disk>", "cannot be of format 'raw' in a pool"),
    (
      "<disk name='vda'><driver type='vmdk'/><target file='/a'/></disk>",
      "cannot be copied to format 'vmdk'"
    ),
    ("<disk name='vda' type='block'/>", "is of type 'block' and has no <target>"),
    ("<disk name='vdz'/>", "no disk named 'vdz'"),
  ])
  func `what cannot be is refused`(disks: String, words: String) throws {
    let text = "<domainbackup><disks>\(disks)</disks></domainbackup>"
    let error = #expect(throws: (any Error).self) { try world().plan(options(text)) }
    #expect(error.map { "\($0)".contains(words) } == true)
  }

  @Test
  func `an encrypted disk is taken when that is allowed only`() throws {
    var world = World(.init("vda"))
    world.disks[0].flags = "<encryption format='luks'/>"
    #expect(throws: BackupError.self) { try world.plan() }
    #expect(try world.plan(.init(allowsPlaintext: true)).disks.count == 1)
  }
}
