// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain that is shut off and has points `p` and `q`, and was written since.
struct OverwriteScene {
  let history: History

  /// Makes the domain and the points.
  init(_ libvirt: PrivateLibvirt) throws {
    history = try History(
      libvirt, disks: [TestDisk("vda", size: 4 << 20), TestDisk("vdb", .raw, size: 4 << 20)])
    do {
      for (number, point) in ["p", "q"].enumerated() {
        try write(number + 1)
        try history.backUp(point)
      }
      try write(3)
      try history.domain.destroy()
    } catch {
      history.remove()
      throw error
    }
  }

  private func write(_ pattern: Int) throws {
    for disk in ["vda", "vdb"] {
      try history.domain.write(disk, "write -P \(pattern) \(pattern * 300)k 1M")
    }
  }

  /// The domain.
  var domain: TestDomain { history.domain }

  /// Restores a point over the domain.
  func overwrite(_ point: String, _ more: String...) throws -> CommandResult {
    try Program.run(history.libvirt, arguments(point, more))
  }

  /// The arguments of a restore of a point over the domain.
  func arguments(_ point: String, _ more: [String] = []) -> [String] {
    ["backup-restore", domain.name, point, "--pool", history.pool.name, "--overwrite"] + more
  }

  /// The daemon.
  var libvirt: PrivateLibvirt { history.libvirt }

  /// Starts a restore of a point that goes on without its client, and waits until all is copied.
  func startAsync(_ point: String, _ more: String..., isOverwriting: Bool = true) throws {
    var arguments = arguments(point, ["--async"] + more)
    if !isOverwriting { arguments.removeAll { $0 == "--overwrite" } }
    try Program.run(libvirt, arguments).expectSuccess()
    let helper = try #require(try history.helpers().first, "no helper domain")
    try eventually("all is copied") {
      let jobs = try libvirt.monitor(helper, "query-jobs") as? [[String: Any]]
      return jobs?.isEmpty == false
        && jobs?.allSatisfy { $0["status"] as? String == "ready" } == true
    }
  }

  /// Path of an image beside the domain's own.
  func path(_ name: String) -> String { "\(domain.directory)/\(name)" }

  /// The image and the format that the definition has for each disk.
  func images() throws -> [String: (path: String, format: TestDisk.Format)] {
    let definition = try domain.inactiveDefinition()
    var images: [String: (String, TestDisk.Format)] = [:]
    for element in definition.components(separatedBy: "<disk ").dropFirst() {
      guard let target = element.firstMatch(of: /<target dev='([^']+)'/)?.1,
        let path = element.firstMatch(of: /<source file='([^']+)'/)?.1,
        let format = element.firstMatch(of: /<driver [^>]*type='([^']+)'/)?.1
      else { throw CommandError("no image in \(element)") }
      images[String(target)] = (String(path), format == "raw" ? .raw : .qcow2)
    }
    return images
  }

  /// The names of the images that the definition has, sorted.
  func imageNames() throws -> [String] {
    try images().values.map { String($0.path.split(separator: "/").last ?? "") }.sorted()
  }

  /// All images in the domain's directory, whole or not, sorted.
  func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: domain.directory).filter { name in
      ["qcow2", "raw", "img"].contains { name.hasSuffix(".\($0)") } || name.contains("part")
    }.sorted()
  }

  /// What differs between the disks of the domain and what a point must hold.
  func differences(from point: String) throws -> [String] {
    let images = try images()
    return try (history.references[point] ?? [:]).compactMap { target, reference in
      guard let image = images[target] else { return "no \(target)" }
      return try reference.difference(from: image.path, format: image.format)
    }
  }

  /// Expects that the domain starts.
  func expectToStart(
    _ when: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(throws: Never.self, "\(when)", sourceLocation: sourceLocation) {
      try domain.start(paused: true)
      try domain.destroy()
    }
  }

  /// Expects that nothing of ours is left but complete points.
  func expectNoStrays(
    _ when: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let strays = try history.pool.files().filter { $0.contains("partial") }
    #expect(strays == [], "\(when)", sourceLocation: sourceLocation)
    #expect(try history.helpers() == [], "\(when)", sourceLocation: sourceLocation)
  }
}
