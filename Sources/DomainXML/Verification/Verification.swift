// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The record of a backup: the document beside its manifest that tells what checks have shown.
///
/// The record holds the latest check of each level. A lost one costs nothing but what it tells.
package struct Verification: Sendable, Equatable {
  /// The thoroughness of a check.
  package enum Level: String, Sendable, CaseIterable {
    /// Manifest, chain, headers and tables were looked at, no data.
    case structure
    /// The volumes were read and compared with their checksums.
    case checksums
    /// A domain was started on the backup.
    case boot
  }

  /// A fault of one volume.
  package struct Problem: Sendable, Equatable {
    /// Name of the volume.
    package var volume: String
    /// The description of the fault, without a full stop.
    package var text: String

    /// Makes the description of a problem.
    ///
    /// Control characters, which an image may have in a name and no document can have, become `?`.
    package init(volume: String, text: String) {
      self.volume = volume
      let plain = text.unicodeScalars.map { scalar -> Unicode.Scalar in
        scalar.properties.generalCategory == .control ? "?" : scalar
      }
      self.text = String(String.UnicodeScalarView(plain))
    }
  }

  /// A check and its result.
  package struct Check: Sendable, Equatable {
    /// The thoroughness of the check.
    package var level: Level
    /// Seconds since 1970-01-01T00:00:00Z when it ended.
    package var time: Int64
    /// True if the backup passed.
    package var isPassed: Bool
    /// The ground of the result, in words for people; nil where the level says all.
    package var detail: String?
    /// The volumes that are wrong.
    package var problems: [Problem]

    /// Makes the description of a check.
    package init(
      level: Level, time: Int64, isPassed: Bool, detail: String? = nil, problems: [Problem] = []
    ) {
      self.level = level
      self.time = time
      self.isPassed = isPassed
      self.detail = detail
      self.problems = problems
    }
  }

  /// UUID of the backup, lower case: another one may have come to its name.
  package var point: String
  /// The latest check of each level, the least thorough first.
  package private(set) var checks: [Check]

  /// Makes the record of a backup that was not checked yet.
  package init(point: String) {
    self.point = point
    checks = []
  }

  /// The latest check of a level; nil where there was none.
  package func check(_ level: Level) -> Check? { checks.first { $0.level == level } }

  /// Takes out what says nothing any more once volumes have changed or are gone: all but the damage that
  /// was found in others by comparing.
  package mutating func forget(_ volumes: Set<String>) {
    checks = checks.compactMap { check in
      guard check.level == .checksums else { return nil }
      var check = check
      check.problems.removeAll { volumes.contains($0.volume) }
      return check.problems.isEmpty ? nil : check
    }
  }

  /// Puts a check in the place of the one before of its level.
  package mutating func note(_ check: Check) {
    let others = checks.filter { $0.level != check.level } + [check]
    checks = Level.allCases.compactMap { level in others.first { $0.level == level } }
  }
}
