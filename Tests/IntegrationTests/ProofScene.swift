// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Answers what the tests of `backup-verify` ask of a pool.
extension Pool {
  /// Has stock `sha256sum -c` check all checksums in the pool.
  func checkSums() throws -> CommandResult {
    let files = try files().filter { $0.hasSuffix(".sha256") }
    return try Command.run(
      "sha256sum", ["-c", "--quiet", "--strict"] + files, directory: directory)
  }

  /// The SHA-256 of every file but the records of what was verified.
  func fingerprint() throws -> [String] {
    let files = try files().filter { !$0.hasSuffix(".verified.xml") }
    return try Command.run("sha256sum", ["--"] + files, directory: directory).expectSuccess()
      .stdout.split(separator: "\n").map(String.init)
  }

  /// Changes one bit of a file.
  func flip(_ file: String, at offset: UInt64) throws {
    let descriptor = open(path(file), O_RDWR)
    guard descriptor >= 0 else { throw CommandError("cannot open \(file)") }
    defer { close(descriptor) }
    var byte: UInt8 = 0
    pread(descriptor, &byte, 1, off_t(offset))
    byte ^= 1 << UInt8(offset % 8)
    pwrite(descriptor, &byte, 1, off_t(offset))
  }

  /// Bytes of a file.
  func length(of file: String) throws -> UInt64 {
    let attributes = try FileManager.default.attributesOfItem(atPath: path(file))
    return attributes[.size] as? UInt64 ?? 0
  }
}

/// The document that `backup-verify --json` prints.
struct Verified {
  /// The part of the document that is about one backup.
  struct Backup {
    let isPassed: Bool
    let state: String
    let checksums: String?
    let boot: String?
    let bootDetail: String?
    /// The volumes that are wrong, in order, each once.
    let volumes: [String]
  }

  let result: CommandResult
  let backups: [String: Backup]
  let unread: Int

  init(_ result: CommandResult) throws {
    self.result = result
    guard
      let root = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8))
        as? [String: Any], let list = root["backups"] as? [[String: Any]]
    else { throw CommandError("not what backup-verify says: \(result)") }
    unread = root["unread"] as? Int ?? -1
    var backups: [String: Backup] = [:]
    for backup in list {
      let problems = backup["problems"] as? [[String: String]] ?? []
      backups[backup["name"] as? String ?? ""] = Backup(
        isPassed: backup["passed"] as? Bool ?? false, state: backup["state"] as? String ?? "",
        checksums: backup["checksums"] as? String, boot: backup["boot"] as? String,
        bootDetail: backup["boot_detail"] as? String,
        volumes: Set(problems.compactMap { $0["volume"] }).sorted())
    }
    self.backups = backups
  }
}
