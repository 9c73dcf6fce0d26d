// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A note in the pool that a domain's bitmaps were removed on purpose.
///
/// The next backup is full for that reason and removes the note.
package struct ForgottenNote: Sendable, Equatable {
  /// UUID of the domain, all there is in the note.
  package var domainUUID: String

  /// Makes a note.
  package init(domainUUID: String) { self.domainUUID = domainUUID }

  /// Reads a note.
  ///
  /// - Throws: ``BackupError`` for anything that is not one UUID.
  package init(parsing text: String) throws {
    guard let line = text.split(separator: "\n", omittingEmptySubsequences: false).first,
      line.count == 36, line.allSatisfy({ $0.isHexDigit || $0 == "-" })
    else { throw BackupError(.invalid, "not a note of forgotten bitmaps") }
    domainUUID = line.lowercased()
  }

  /// The note's text.
  package var text: String { domainUUID + "\n" }
}
