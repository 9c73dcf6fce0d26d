// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML

extension Engine {
  /// Starts an NBD session of a running domain: a frozen view of its disks that other programs
  /// read, with what changed since an earlier one.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - options: What the user asked for.
  /// - Returns: What can be read where.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; nothing of the attempt is left
  ///   then.
  package func startSession(
    domainUUID: String, options: SessionOptions
  ) throws -> SessionReport {
    try settle(domainUUID: domainUUID)
    return try Session(context).run(domainUUID: domainUUID, options: options)
  }

  /// Decides what a session would be, as a document in which every choice is made.
  ///
  /// Nothing is changed, not even what other clients left is settled.
  ///
  /// - Throws: What ``startSession(domainUUID:options:)`` throws before it begins.
  package func document(
    ofSession options: SessionOptions, domainUUID: String
  ) throws -> BackupDefinition {
    try Session(context).document(of: options, domainUUID: domainUUID)
  }

  /// Starts a session that serves a point instead of a domain.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - options: What the user asked for.
  /// - Returns: What can be read where.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; nothing of the attempt is left
  ///   then.
  package func startSession(
    of point: Point, options: SessionOptions
  ) throws -> SessionReport {
    let session = Session(context)
    let server = try session.server(for: options)
    try settle(domainUUID: point.manifest.domainUUID)
    return try session.run(point, options: options, server: server)
  }

  /// Ends an NBD session.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - name: Name of the session; nil for the one there is.
  ///   - isFailed: Whether its reader did not get all: its bitmap is dropped then, and what it was
  ///     based on stays the base. Otherwise its bitmap stays as a base, and takes the place of that
  ///     of the session it was based on.
  ///   - forgets: Whether the bitmaps of all finished sessions are dropped too, or of the one that
  ///     is named and has finished.
  /// - Returns: The name of the session that was ended; nil where bitmaps alone were dropped.
  /// - Throws: ``BackupError`` with code `notFound` where there is none.
  package func finishSession(
    domainUUID: String, name: String?, isFailed: Bool, forgets: Bool
  ) throws -> String? {
    try settle(domainUUID: domainUUID, endsLostSessions: false)
    return try Session(context).finish(
      domainUUID: domainUUID, name: name, isFailed: isFailed, forgets: forgets)
  }
}
