// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The work on a domain every night: the `<policy>` in the `<metadata>` of its definition.
///
/// A policy travels with the domain: it is in `virsh dumpxml`, in every backup, and gone with a definition that
/// is gone.
package struct Policy: Sendable, Equatable {
  /// True where runs leave the domain out.
  package var isOff: Bool
  /// Name, UUID or absolute directory of the pool for its backups; nil for the default one.
  package var pool: String?
  /// The rules by which backups are kept; without any rule nothing is pruned.
  package var rules: RetentionRules
  /// True where the guest's file systems are frozen around the start of a backup.
  package var isQuiesced: Bool
  /// The compression of the data, in a word of qcow2's (`zstd`); nil for not at all.
  package var compression: String?
  /// Name, UUID or absolute directory of the pool for what the guest overwrites meanwhile; nil for the
  /// pool of the backup.
  package var scratchPool: String?
  /// Targets of the disks that are left out.
  package var excludedDisks: [String]
  /// Seconds after which the data of the backups is compared with checksums again; nil for never.
  package var verifyInterval: Int64?
  /// Seconds after which a domain is started on the newest backup again; nil for never.
  package var bootInterval: Int64?

  /// Makes a policy; that of a domain that nothing was decided for has no arguments.
  package init(
    isOff: Bool = false, pool: String? = nil, kept: [RetentionRules.Rule: Int] = [:],
    keptWithin: Int64? = nil,
    isQuiesced: Bool = false, compression: String? = nil, scratchPool: String? = nil,
    excludedDisks: [String] = [], verifyInterval: Int64? = nil, bootInterval: Int64? = nil
  ) {
    self.isOff = isOff
    self.pool = pool
    rules = RetentionRules(counts: kept, within: keptWithin)
    self.isQuiesced = isQuiesced
    self.compression = compression
    self.scratchPool = scratchPool
    self.excludedDisks = excludedDisks
    self.verifyInterval = verifyInterval
    self.bootInterval = bootInterval
  }

  /// Namespace of the element.
  package static let namespace = HelperDefinition.namespace
  /// The prefix of the namespace in the definitions that libvirt writes.
  package static let prefix = "vb"

  /// True where a rule keeps something; without one nothing is pruned.
  package var hasRules: Bool { !rules.isEmpty }
}
