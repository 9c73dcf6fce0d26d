// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials

/// Files of the project.
enum Project {
  /// Its directory.
  static let directory = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }

  /// The text of one of its files.
  static func text(_ path: String) throws -> String {
    try String(contentsOf: URL(filePath: "\(directory)/\(path)"), encoding: .utf8)
  }

  /// Whether golden files are to be recorded anew.
  static var isRecording: Bool {
    ProcessInfo.processInfo.environment["VIRSH_BACKUP_RECORD"] == "1"
  }

  /// The text of a golden file; while recording it is written first.
  static func golden(_ name: String, current: String) throws -> String {
    let path = "Tests/BackupCommandsTests/Golden/\(name)"
    if isRecording {
      try Data(current.utf8).write(to: URL(filePath: "\(directory)/\(path)"))
    }
    return try text(path)
  }
}
