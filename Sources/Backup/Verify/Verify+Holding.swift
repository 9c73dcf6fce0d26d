// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Points that must stay as they are while they are looked at.
extension Verify {
  /// Writes down what a check has shown.
  func note(
    _ level: Verification.Level, _ isPassed: Bool, _ detail: String?, of point: Point,
    _ options: VerifyOptions, _ problems: [Inspection.Problem] = []
  ) throws {
    guard options.isRecorded else { return }
    try context.record(
      .init(
        level: level, time: process.time(), isPassed: isPassed, detail: detail,
        problems: problems.map { .init(volume: $0.volume, text: $0.text) }), of: point)
  }

  /// Does something while nobody changes what it needs of a point.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - disks: The disks that are read with all they stand on; none where the point's own volumes
  ///     alone are read.
  ///   - volumes: What is made for it, by the operation's UUID.
  ///   - hasHelper: Whether a domain runs for it.
  ///   - body: What is done; it gets the operation.
  /// - Returns: What the body returns.
  /// - Throws: ``BackupError`` with code `busy` where something else works on the point; what the body
  ///   throws. Nothing that was made is left.
  func holding<Result>(
    _ point: Point, disks: [String] = [], volumes: (String) -> [String] = { _ in [] },
    hasHelper: Bool = false, _ body: (Catalog.Pending) throws -> Result
  ) throws -> Result {
    let uuid = process.newUUID(), manifest = point.manifest
    let pending = try journal.begin(
      Partial(
        uuid: uuid, pointName: manifest.name, domainName: manifest.domainName,
        domainUUID: manifest.domainUUID, host: try hypervisor.host(), owner: process.owner,
        creationTime: process.time(),
        helper: hasHelper ? OperationID(uuid).helper : nil,
        operation: .verify(.init(point: manifest.uuid, disks: disks, volumes: volumes(uuid)))),
      in: manifest.volumeNames.partial(operation: uuid))
    let result = Swift.Result { try body(pending) }
    do {
      try undo(pending)
    } catch {
      // The user has to know the error of the work rather than that of the cleaning up.
      _ = try result.get()
      throw error
    }
    return try result.get()
  }

  /// Takes back all that was made to look at a point; each step may be repeated.
  func undo(_ pending: Catalog.Pending) throws {
    guard let verify = pending.partial.verify else { return }
    try hypervisor.endHelper(of: pending.partial)
    // Names that no other operation gives.
    let mark = ".\(pending.partial.id.short).booted."
    try journal.discard(verify.volumes.filter { $0.contains(mark) })
    try journal.end(pending)
  }

  /// Takes back what a client left that is gone.
  func settle(_ pending: Catalog.Pending) throws -> Settlement {
    // A domain that runs ends with its client, however far away that is.
    let isDead = process.liveness(pending.partial.owner) == .dead
    if try !isDead && context.guest(of: pending.partial) != nil { return .running }
    guard try journal.isAbandoned(pending) else { return .running }
    try undo(pending)
    return .undone
  }
}
