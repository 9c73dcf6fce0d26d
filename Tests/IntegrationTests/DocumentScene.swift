// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport

/// A scene and a directory for documents and the copies they ask for.
struct DocumentScene {
  let scene: Scene
  let directory: String

  init(
    _ libvirt: PrivateLibvirt, disks: [TestDisk]? = nil, start: TestDomain.Start = .running
  ) throws {
    scene =
      try disks.map { try Scene(libvirt, disks: $0, start: start) }
      ?? Scene(libvirt, start: start)
    directory = try libvirt.makeDirectory(libvirt.uniqueName("copies"))
  }

  func remove() {
    scene.remove()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// The path of a copy.
  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Writes a document; `@` in it stands for the directory.
  func document(_ text: String, name: String = "document.xml") throws -> String {
    try text.replacing("@", with: directory).write(
      toFile: path(name), atomically: false, encoding: .utf8)
    return path(name)
  }

  /// Runs backup-create with a document.
  func create(_ text: String, _ more: [String] = []) throws -> CommandResult {
    try Program.run(
      scene.libvirt, scene.arguments("backup-create", [try document(text)] + more))
  }

  /// Runs virsh with a document.
  func backupBegin(_ text: String) throws -> CommandResult {
    try Command.run(
      "virsh",
      ["-c", scene.libvirt.uri, "backup-begin", scene.domain.name, try document(text)])
  }

  /// Names of the copies that are there.
  func copies() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).filter { !$0.hasSuffix(".xml") }
      .sorted()
  }
}

extension CommandResult {
  /// The first error, without virsh's mark before it.
  var firstError: String {
    let text = stderr.split(separator: "error: ", maxSplits: 1, omittingEmptySubsequences: false)
    return text.last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
  }

  /// The first error of a virsh, as libvirt 9.0 would tell where a document is no XML: newer versions
  /// do not name the document.
  var firstErrorOfLibvirt: String {
    guard let found = firstError.wholeMatch(of: /at line ([0-9]+): ([^\n]*)(\n(?s).*)?/) else {
      return firstError
    }
    return "(domain_backup):\(found.1): \(found.2)\(found.3 ?? "\n(null)\n^")"
  }
}
