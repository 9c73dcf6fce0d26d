// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// A merge that is still to be done.
struct OpenMerge: Equatable {
  /// The merge.
  var merge: Partial.DeleteMerge
  /// Names of the volumes that the disk is made of now, the one that takes over first.
  var chain: [String]
  /// The definition of a domain whose disk it is.
  var domainXML: String

  /// Name of the volume that is written.
  var written: String { merge.volume }

  /// Chooses merges that one QEMU does side by side: it lets nobody read what is written through
  /// another chain.
  ///
  /// - Parameter open: All that are to be done.
  /// - Returns: Some of them, the first always; none of none.
  static func round(of open: [OpenMerge]) -> [OpenMerge] {
    var round: [OpenMerge] = []
    for merge in open
    where round.allSatisfy({
      !$0.chain.contains(merge.written) && !merge.chain.contains($0.written)
    }) {
      round.append(merge)
    }
    return round
  }
}
