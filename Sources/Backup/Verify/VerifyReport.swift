// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore

/// What was found of a point.
package struct VerifyReport: Sendable, Equatable {
  /// What comparing with checksums came to.
  package enum Comparison: String, Sendable {
    /// The volumes are what they were.
    case passed = "ok"
    /// One of them, or of those that the point stands on, is not.
    case failed = "damaged"
    /// Checksums were made now; there were none.
    case made
    /// There are none.
    case bare = "none"
    /// Something else works on the point.
    case busy
  }

  /// What starting a domain came to.
  package struct Boot: Sendable, Equatable {
    /// Whether it came up.
    package var isPassed: Bool
    /// What the result rests on, or what went wrong.
    package var detail: String
    /// What its screen showed at the end, as PNG or PPM; nil where that was not wanted or not to be
    /// had.
    package var screenshot: [UInt8]?
  }

  /// The point.
  package var point: Point
  /// What is wrong with the volumes it needs.
  package var problems: [Inspection.Problem]
  /// Those of them that comparing found, now or before.
  package var altered: [Inspection.Problem] = []
  /// What comparing came to; nil where it was not done.
  package var comparison: Comparison?
  /// What starting a domain came to; nil where none was started.
  package var boot: Boot?

  /// Whether nothing was found wrong.
  package var isSound: Bool { problems.isEmpty && boot?.isPassed != false }
}
