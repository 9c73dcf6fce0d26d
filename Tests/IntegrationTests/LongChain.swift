// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain with many points that stand on each other.
///
/// The program makes the first and the last; those between are made as it would make them, by
/// `qemu-img` and out of the manifest of the last.
struct LongChain {
  private static let cluster = 65536
  private static let clusters = 64

  let scene: Scene
  let count: Int

  /// Makes the domain, which is paused, and its points.
  init(_ libvirt: PrivateLibvirt, count: Int) throws {
    self.count = count
    scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: UInt64(Self.cluster * Self.clusters))], start: .paused)
    do {
      try scene.domain.write("vda", "write -P 0xff 0 4M")
      try scene.domain.write("vda", Self.change(0))
      try make(0)
      try scene.domain.write("vda", Self.change(count - 1))
      try make(count - 1)
      try makeImages()
      try makeManifests()
    } catch {
      scene.remove()
      throw error
    }
  }

  /// Removes all of it.
  func remove() { scene.remove() }

  /// The name of a point, counted from 0, and its image.
  func name(_ number: Int) -> String { "p" + String(1000 + number).dropFirst() }
  func image(_ number: Int) -> String { scene.image(name(number), "vda") }

  /// What a point holds.
  func content(_ number: Int) -> Data {
    var data = Data(repeating: 0xff, count: Self.cluster * Self.clusters)
    for change in 0...number {
      let (place, pattern) = Self.place(change)
      let start = place * Self.cluster
      data.replaceSubrange(
        start..<start + Self.cluster, with: repeatElement(pattern, count: Self.cluster))
    }
    return data
  }

  /// Whether a raw file holds what a point does.
  func isContent(_ number: Int, of file: String) throws -> Bool {
    try Data(contentsOf: URL(filePath: file)) == content(number)
  }

  /// Restores a point, and says whether it is what it was.
  func isRestored(_ number: Int) throws -> Bool {
    let directory = try scene.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try scene.run(
      "backup-restore", name(number), "--no-define", "--target-pool", directory, "--format", "raw"
    ).expectSuccess()
    let files = try FileManager.default.contentsOfDirectory(atPath: directory)
    guard let file = files.first, files.count == 1 else { return false }
    return try isContent(number, of: "\(directory)/\(file)")
  }

  // MARK: - Making it

  private static func place(_ number: Int) -> (cluster: Int, pattern: UInt8) {
    (number * 7 % clusters, UInt8(number % 250))
  }

  private static func change(_ number: Int) -> String {
    let (cluster, pattern) = place(number)
    return "write -P \(pattern) \(cluster * 64)k 64k"
  }

  private func make(_ number: Int) throws {
    try scene.run("backup-create", "--backupname", name(number)).expectSuccess()
  }

  private func makeImages() throws {
    var script = "set -e\n"
    for number in 1..<count - 1 {
      let image = image(number)
      script += """
        qemu-img create -q -u -f qcow2 -b '\(URL(filePath: self.image(number - 1)).lastPathComponent)' \
          -F qcow2 '\(image)' 4M
        qemu-io --image-opts -c '\(Self.change(number))' \
          'driver=qcow2,backing=,file.driver=file,file.filename=\(image)' >/dev/null 2>&1
        chown --reference='\(self.image(0))' '\(image)'
        chmod --reference='\(self.image(0))' '\(image)'

        """
    }
    let below = URL(filePath: image(count - 2)).lastPathComponent
    script += "qemu-img rebase -q -u -b '\(below)' -F qcow2 '\(image(count - 1))'\n"
    try Command.run("sh", ["-c", script]).expectSuccess()
  }

  private func makeManifests() throws {
    func file(_ number: Int) -> String {
      scene.pool.path("\(scene.domain.name).\(name(number)).backup.xml")
    }
    func uuid(of text: String) throws -> String {
      try #require(text.firstMatch(of: #/<uuid>([0-9a-f-]{36})</uuid>/#).map { String($0.1) })
    }
    let first = try String(contentsOfFile: file(0), encoding: .utf8)
    let last = try String(contentsOfFile: file(count - 1), encoding: .utf8)
    var parent = try uuid(of: first)
    let (firstUUID, lastUUID) = (parent, try uuid(of: last))
    for number in 1..<count {
      let isLast = number == count - 1
      let uuid = isLast ? lastUUID : "00000000-0000-4000-8000-" + String(100_000_000_000 + number)
      let text =
        last.replacing("<name>\(name(count - 1))</name>", with: "<name>\(name(number))</name>")
        .replacing(".\(name(count - 1)).", with: ".\(name(number)).")
        .replacing("<uuid>\(lastUUID)</uuid>", with: "<uuid>\(uuid)</uuid>")
        .replacing("<sequence>2</sequence>", with: "<sequence>\(number + 1)</sequence>")
        .replacing("<parent>\(firstUUID)</parent>", with: "<parent>\(parent)</parent>")
        .replacing("parent='\(firstUUID)'", with: "parent='\(parent)'")
      try text.write(toFile: file(number), atomically: false, encoding: .utf8)
      if !isLast {
        try Command.run(
          "chown", ["--reference=\(file(0))", file(number)]
        ).expectSuccess()
      }
      parent = uuid
    }
  }
}
