// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
import DomainXML

extension Engine {
  /// Proves that points can be restored.
  ///
  /// The results are written down beside the manifests, where the options say so; a point whose
  /// data is wrong counts as damaged from then on.
  ///
  /// - Parameters:
  ///   - points: The points.
  ///   - boots: UUIDs of those on which a domain is started, where the options say so.
  ///   - options: What is to be proved.
  /// - Returns: What was found of each, and how many were to be compared and were not come to in time.
  /// - Throws: ``BackupError`` where something could not be found out, or the user asked to stop; what
  ///   was found before is written down then.
  package func verify(
    _ points: [Point], boots: Set<String> = [], options: VerifyOptions
  ) throws -> (reports: [VerifyReport], unread: Int) {
    if options.isRecorded {
      for domain in Set(points.map(\.manifest.domainUUID)).sorted() {
        try settle(domainUUID: domain)
      }
    }
    do {
      return try Verify(context).run(points, boots: boots, options: options)
    } catch let error as BackupError where error.code == .interrupted {
      throw BackupError(.interrupted, "interrupted; what was verified until then is recorded")
    }
  }

  /// Makes the checksums of a point that was just created.
  ///
  /// - Throws: ``BackupError`` where they could not be made; the point is there then.
  func addChecksums(to manifest: Manifest, deadline: ContinuousClock.Instant?) throws {
    try Verify(context).addChecksums(to: manifest.uuid, deadline: deadline)
  }
}
