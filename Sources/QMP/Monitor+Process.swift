// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The version of a QEMU (`VersionTriple`).
package struct QEMUVersion: Decodable, Sendable, Comparable {
  /// The first number.
  package var major: Int
  /// The second number.
  package var minor: Int
  /// The third number.
  package var micro: Int

  /// Makes a version.
  package init(_ major: Int, _ minor: Int = 0, _ micro: Int = 0) {
    self.major = major
    self.minor = minor
    self.micro = micro
  }

  /// Whether one version is before another.
  package static func < (one: QEMUVersion, other: QEMUVersion) -> Bool {
    (one.major, one.minor, one.micro) < (other.major, other.minor, other.micro)
  }
}

private struct VersionInfo: Decodable {
  var qemu: QEMUVersion
}

private struct IOThreadInfo: Decodable {
  var id: String
}

private struct BlockStats: Decodable {
  struct Stats: Decodable {
    var read: UInt64
    var written: UInt64

    enum CodingKeys: String, CodingKey {
      case read = "rd_bytes"
      case written = "wr_bytes"
    }
  }

  var stats: Stats
}

extension Monitor {
  /// Returns how many bytes the guest has read from and written to its disks.
  ///
  /// The corresponding QMP command is `query-blockstats`.
  package func transferredBytes() throws -> UInt64 {
    try execute(Command("query-blockstats"), returning: [BlockStats].self).reduce(0) {
      $0 &+ $1.stats.read &+ $1.stats.written
    }
  }

  /// Returns the version of the QEMU.
  ///
  /// The corresponding QMP command is `query-version`.
  package func version() throws -> QEMUVersion {
    try execute(Command("query-version"), returning: VersionInfo.self).qemu
  }

  /// Returns the ids of the threads that serve disks beside the main one.
  ///
  /// The corresponding QMP command is `query-iothreads`.
  package func ioThreads() throws -> [String] {
    try execute(Command("query-iothreads"), returning: [IOThreadInfo].self).map(\.id)
  }
}
