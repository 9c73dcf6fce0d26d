// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML

/// A user may protect and describe a point after it was made.
extension Engine {
  /// Protects a point from being deleted, or lets it be deleted again.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - isProtected: Whether it is protected from now on.
  /// - Returns: The manifest as it is now.
  /// - Throws: ``BackupError`` with code `busy` while the point is being deleted, or `notFound` where it
  ///   was; what libvirt throws.
  @discardableResult
  package func protect(_ point: Point, _ isProtected: Bool) throws -> Manifest {
    try settle(domainUUID: point.manifest.domainUUID)
    return try journal.amend(point) { $0.isProtected = isProtected }
  }

  /// Gives a point another description.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - text: The description; nil for none.
  /// - Returns: The manifest as it is now.
  /// - Throws: As ``protect(_:_:)``; `DomainXMLError` for a text that no document can have.
  @discardableResult
  package func describe(_ point: Point, _ text: String?) throws -> Manifest {
    try settle(domainUUID: point.manifest.domainUUID)
    return try journal.amend(point) { $0.description = text }
  }
}
