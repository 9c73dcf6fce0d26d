// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import Backup
package import BackupCore
import Vsh

/// One `--diskspec`: a disk and what is said of it, parted by commas; two make a comma.
struct DiskSpecification {
  /// The target name, `vda`.
  let disk: String
  private let values: [String: String]
  private let text: String

  /// Reads one.
  ///
  /// - Throws: `ShellError` in virsh's words when it cannot be read or says something unknown.
  init(_ text: String, keys: Set<String>) throws {
    let parts = Quoting.commaParts(text)
    guard let disk = parts.first, !disk.isEmpty else {
      throw ShellError("unable to parse diskspec: \(text)")
    }
    var values: [String: String] = [:]
    for part in parts.dropFirst() {
      // Among the bytes: as a character a sign may have an accent from what follows.
      let pair = part.utf8.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false
      ).map { String(Substring($0)) }
      guard pair.count == 2, keys.contains(pair[0]), !pair[1].isEmpty,
        values.updateValue(pair[1], forKey: pair[0]) == nil
      else { throw ShellError("unable to parse diskspec: \(text)") }
    }
    self.disk = disk
    self.values = values
    self.text = text
  }

  /// What is said of a key; nil for nothing.
  subscript(key: String) -> String? { values[key] }

  /// What is said of a key that takes one of a few words.
  ///
  /// - Throws: `ShellError` for another word.
  func choice(_ key: String, of words: Set<String>) throws -> String? {
    guard let value = values[key] else { return nil }
    guard words.contains(value) else { throw ShellError("unable to parse diskspec: \(text)") }
    return value
  }
}

extension DiskRequest {
  /// Reads a `--diskspec` of backup-create.
  ///
  /// - Throws: `ShellError` when it cannot be read.
  package init(diskspec text: String) throws {
    try self.init(
      try DiskSpecification(text, keys: ["backup", "backupmode", "incremental"]), text: text)
  }

  /// Reads a `--diskspec` of backup-start-nbd.
  ///
  /// - Throws: `ShellError` when it cannot be read.
  static func exported(
    diskspec text: String
  ) throws -> (DiskRequest, SessionOptions.Export) {
    let specification = try DiskSpecification(
      text, keys: ["backup", "backupmode", "incremental", "exportname", "exportbitmap"])
    return (
      try self.init(specification, text: text),
      .init(name: specification["exportname"], bitmap: specification["exportbitmap"])
    )
  }

  private init(_ specification: DiskSpecification, text: String) throws {
    let mode = try specification.choice("backupmode", of: ["full", "incremental"])
    let parent = specification["incremental"]
    guard parent == nil || mode != "full" else {
      throw ShellError("unable to parse diskspec: \(text)")
    }
    self.init(
      name: specification.disk,
      isIncluded: try specification.choice("backup", of: ["yes", "no"]) != "no",
      isFull: mode == "full", isIncremental: mode == "incremental", parent: parent)
  }
}

extension RestoreOptions.DiskRequest {
  /// Reads a `--diskspec` of backup-restore.
  ///
  /// - Parameters:
  ///   - text: The words.
  ///   - directory: Finds the directory of a pool.
  /// - Throws: `ShellError` when it cannot be read, what `directory` throws.
  package init(diskspec text: String, directory: (String) throws -> String) throws {
    let specification = try DiskSpecification(text, keys: ["file", "stype", "driver", "pool"])
    var file = specification["file"]
    if let pool = specification["pool"] {
      guard let name = file, !name.utf8.contains(UInt8(ascii: "/")) else {
        throw ShellError("unable to parse diskspec: \(text)")
      }
      file = "\(try directory(pool))/\(name)"
    }
    let isDevice = try specification.choice("stype", of: ["file", "block"]) == "block"
    guard !isDevice || (file != nil && specification["pool"] == nil) else {
      throw ShellError("unable to parse diskspec: \(text)")
    }
    self.init(
      name: specification.disk, file: file, isDevice: isDevice,
      format: try specification.choice("driver", of: ["qcow2", "raw"]))
  }
}
