// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A verification as the user asks for it.
package struct VerifyOptions: Sendable, Equatable {
  /// True for `--checksums` and `--update`: volumes are compared with their checksums.
  package var comparesChecksums: Bool
  /// True for `--update`: checksums are made where there are none.
  package var makesChecksums: Bool
  /// Percentage of the backups that are compared, those first that were not for the longest time;
  /// nil for all.
  package var share: Int?
  /// Time after which comparing begins with no further backup; nil for no limit.
  package var deadline: ContinuousClock.Instant?
  /// Seconds that a domain started on the backup has to come up in; nil where none is started.
  package var bootLimit: Int64?
  /// True for `--screenshot`: the domain's screen is kept as it is at the end.
  package var wantsScreenshot: Bool
  /// Emulators a definition from a pool that others can write may name.
  package var emulators: Set<String>
  /// False for a read-only connection: no results are written beside the manifests.
  package var isRecorded: Bool

  /// Makes the description of a verification.
  package init(
    comparesChecksums: Bool = false, makesChecksums: Bool = false, share: Int? = nil,
    deadline: ContinuousClock.Instant? = nil, bootLimit: Int64? = nil,
    wantsScreenshot: Bool = false, emulators: Set<String> = [], isRecorded: Bool = true
  ) {
    self.comparesChecksums = comparesChecksums
    self.makesChecksums = makesChecksums
    self.share = share
    self.deadline = deadline
    self.bootLimit = bootLimit
    self.wantsScreenshot = wantsScreenshot
    self.emulators = emulators
    self.isRecorded = isRecorded
  }
}
