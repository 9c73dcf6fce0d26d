// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore

/// The results of a verification for one point.
package struct VerifyReport: Sendable, Equatable {
  /// The result of comparing with checksums.
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

  /// The result of starting a domain on the point.
  package struct Boot: Sendable, Equatable {
    /// True where the domain came up.
    package var isPassed: Bool
    /// The sign that the domain came up, or the fault that it showed.
    package var detail: String
    /// Picture of the domain's screen at the end, as PNG or PPM; nil where none was wanted, or none
    /// was to be had.
    package var screenshot: [UInt8]?
  }

  /// The point.
  package var point: Point
  /// The faults of the volumes that the point needs.
  package var problems: [Inspection.Problem]
  /// The faults among them that comparing found, now or before.
  package var altered: [Inspection.Problem] = []
  /// The result of comparing; nil where it was not done and no earlier fault counts.
  package var comparison: Comparison?
  /// The result of starting a domain; nil where none was started.
  package var boot: Boot?

  /// True where neither the volumes nor a domain that was started showed a fault.
  package var isSound: Bool { problems.isEmpty && boot?.isPassed != false }
}
