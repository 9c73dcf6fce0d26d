// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The part of an operation's UUID that is in every name it gives, by which any client tells what it
/// made from what others made.
package struct OperationID: Sendable, Equatable {
  /// The first 12 hex digits of the UUID.
  package let digits: String

  /// Takes the digits from an operation's UUID.
  package init(_ uuid: String) { digits = String(uuid.filter { $0 != "-" }.prefix(12)) }

  /// Reads the digits from the name of a node, a job or another object in QEMU; nil for one not ours.
  package init?(parsing name: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[0] == "vb", parts[1].count == 12,
      parts[1].allSatisfy(\.isHexDigit)
    else { return nil }
    digits = String(parts[1])
  }

  /// The beginning of the names of all that it makes in QEMU, `vb-0123456789ab-`.
  package var prefix: String { "vb-\(digits)-" }
  /// The name of its helper domain.
  package var helper: String { "virsh-backup-\(digits)" }
  /// The ending of the names of files that will get their own when they are whole.
  package var temporarySuffix: String { ".\(prefix)part" }
  /// The digits that are in the names of its volumes.
  package var short: Substring { digits.prefix(8) }

  /// Tells that something in QEMU is the operation's, by its name.
  package func owns(_ name: String) -> Bool { name.hasPrefix(prefix) }
}

extension Partial {
  /// The part that the names of all that the operation makes have in common.
  package var id: OperationID { OperationID(uuid) }
}
