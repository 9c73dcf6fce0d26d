// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML

extension Engine {
  /// Makes a point of a domain.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - options: What the user asked for.
  ///   - isAsync: Whether to return as soon as the copies run.
  ///   - deadline: When to give up; nil for never.
  /// - Returns: The manifest as published or, for `isAsync`, as it will be.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; nothing of the attempt is left
  ///   then, unless the connection is lost: the next command on the domain settles it.
  package func create(
    domainUUID: String, options: CreateOptions, isAsync: Bool, deadline: ContinuousClock.Instant?
  ) throws -> Manifest {
    try settle(domainUUID: domainUUID)
    let manifest = try Create(context).run(
      domainUUID: domainUUID, options: options, isAsync: isAsync, deadline: deadline)
    if options.hasChecksums { try addChecksums(to: manifest, deadline: deadline) }
    return manifest
  }

  /// Decides what a create would be, as a document in which every choice is made.
  ///
  /// Nothing is changed, not even what other clients left is settled.
  ///
  /// - Throws: What ``create(domainUUID:options:isAsync:deadline:)`` throws before it begins.
  package func document(
    ofCreate options: CreateOptions, domainUUID: String
  ) throws -> BackupDefinition {
    try Create(context).document(of: options, domainUUID: domainUUID)
  }

  /// Restores disks of a point and defines the domain.
  ///
  /// The copies run in a helper domain that ends with our connection, unless they are to go on
  /// without us: a client that dies leaves only files with temporary names, which the next command
  /// removes.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - options: What the user asked for.
  ///   - emulators: Emulators a definition from a pool that others can write may name.
  ///   - isAsync: Whether to return once the data moves; the next command that finds all of it moved
  ///     defines the domain, or replaces its disks, and starts it.
  ///   - deadline: When to give up; nil for never.
  ///   - willWrite: Called when all checks are passed, before anything is written.
  /// - Returns: What is restored, or will be.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  package func restore(
    _ point: Point, options: RestoreOptions, emulators: Set<String>, isAsync: Bool = false,
    deadline: ContinuousClock.Instant?, willWrite: () throws -> Void
  ) throws -> Restored {
    let restore = Restore(context)
    try restore.refuseUntrusted(isAsync: isAsync)
    try settle(domainUUID: point.manifest.domainUUID)
    return try restore.run(
      point, options: options, emulators: emulators, isAsync: isAsync, deadline: deadline,
      willWrite: willWrite)
  }

  /// Decides what a restore would define.
  ///
  /// Nothing is changed, not even what other clients left is settled.
  ///
  /// - Returns: The definition; nil where the disks alone would be restored.
  /// - Throws: What ``restore(_:options:emulators:isAsync:deadline:willWrite:)`` throws before it
  ///   begins, but for files and domains that are in the way.
  package func definition(
    ofRestore point: Point, options: RestoreOptions, emulators: Set<String>
  ) throws -> String? {
    try Restore(context).definition(of: point, options: options, emulators: emulators)
  }

  /// Runs a domain on images that stand on a point's volumes, and pulls the data out of these.
  ///
  /// The images are thin, so the domain runs within seconds. What the guest writes is in them from
  /// the first moment, so nothing is ever undone once the domain is defined: the same call goes on.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - isNamed: Whether the user named it; else a restore of the domain that is under way counts.
  ///   - options: What the user asked for.
  ///   - emulators: Emulators a definition from a pool that others can write may name.
  ///   - isAsync: Whether to return once the data moves.
  ///   - deadline: When to give up; nil for never.
  ///   - willWrite: Called when all checks are passed, before anything is written.
  /// - Returns: What was restored.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  package func restoreLive(
    _ point: Point, isNamed: Bool, options: RestoreOptions, emulators: Set<String>, isAsync: Bool,
    deadline: ContinuousClock.Instant?, willWrite: (Point) throws -> Void
  ) throws -> LiveRestored {
    let live = LiveRestore(context)
    let known = try live.own(of: point, newName: options.newName)
    let settled = try settle(domainUUID: point.manifest.domainUUID)
    if let known, settled[known.partial.uuid] == .finished {
      return LiveRestored(known.partial, isComplete: true)
    }
    return try live.run(
      point, isNamed: isNamed, options: options, emulators: emulators, isAsync: isAsync,
      deadline: deadline, willWrite: willWrite)
  }

  /// Deletes points, or disks of them, in one operation.
  ///
  /// The points that stay first take over the data that they need of those that go. What a delete
  /// took that another client left, and that is ended here, counts as deleted: the same command
  /// goes on where it was killed.
  ///
  /// - Parameters:
  ///   - names: Names or UUIDs of the points.
  ///   - domainUUID: The domain.
  ///   - scope: What goes with them.
  ///   - disks: The disks whose data goes; empty for all, and everything else of the points.
  ///   - isAsync: Whether to return once what others need is being copied.
  ///   - deadline: When to give up; nil for never.
  /// - Returns: What is gone, in the order it went; nil where it goes later.
  /// - Throws: ``BackupError``: `notFound`; `busy` while an operation reads one of them, `interrupted`,
  ///   `timedOut`; every point is as it was then.
  package func delete(
    _ names: [String], of domainUUID: String, scope: DeleteScope = .point, disks: [String] = [],
    isAsync: Bool = false, deadline: ContinuousClock.Instant? = nil
  ) throws -> [Deleted]? {
    let left = LeftDeletes(of: domainUUID, in: try catalog())
    let settled = try settle(domainUUID: domainUUID)
    let rest = try left.rest(
      of: names, disks: disks, scope: scope, settled: settled, domainUUID: domainUUID,
      in: try catalog())
    guard !rest.points.isEmpty else { return rest.gone }
    let request = try DeleteRequest(rest.points, scope: scope, disks: rest.disks)
    return try Delete(context).run(request, isAsync: isAsync, deadline: deadline).map {
      rest.gone + $0
    }
  }

  /// Deletes a manifest that cannot be read.
  ///
  /// The volumes of the point stay, as nobody can prove that they belong to it. The user is told of
  /// those that the text names and no backup has.
  ///
  /// - Throws: ``BackupError`` for one of a newer version, or one that is being written; what libvirt
  ///   throws.
  package func deleteBroken(_ broken: Catalog.Broken) throws {
    try Delete(context).deleteBroken(broken)
  }
}
