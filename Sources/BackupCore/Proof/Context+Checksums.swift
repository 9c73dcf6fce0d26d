// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The checksums of points: how they come, what they say, and when they say nothing any more.
///
/// Whoever reads or makes them has an operation written down that keeps the volumes as they are.
extension Context {
  /// Computes the SHA-256 of volumes.
  ///
  /// - Parameters:
  ///   - volumes: Their names.
  ///   - progress: Who is told how far that is.
  /// - Returns: The sums by the volumes' names.
  /// - Throws: ``BackupError``, also with code `interrupted`; what libvirt throws.
  package func sums(of volumes: [String], _ progress: ReadProgress) throws -> [String: String] {
    var sums: [String: String] = [:]
    for volume in volumes {
      var last: UInt64 = 0
      sums[volume] = try repository.sha256(of: volume) {
        try progress.note($0)
        last = $0
      }
      progress.finish(last)
    }
    return sums
  }

  /// Compares volumes of a point with its checksums.
  ///
  /// - Parameters:
  ///   - volumes: The volumes; those that are gone are left out.
  ///   - point: The point.
  ///   - checksums: Its checksums.
  ///   - progress: Who is told how far that is.
  /// - Returns: The volumes that are not what they were.
  /// - Throws: As ``sums(of:_:)``.
  package func altered(
    _ volumes: [String], of point: Point, _ checksums: Checksums, _ progress: ReadProgress
  ) throws -> [Verification.Problem] {
    let there = try volumes.filter(repository.contains)
    let sums = try sums(of: there, progress)
    return there.compactMap { volume in
      guard sums[volume] != checksums.sums[volume] else { return nil }
      let text =
        checksums.sums[volume] == nil
        ? "'\(point.checksumsVolume)' has no checksum of it"
        : "its SHA-256 is not that in '\(point.checksumsVolume)'"
      return .init(volume: volume, text: text)
    }
  }

  /// Refuses volumes whose content is not that of their checksums; those without are taken as they are.
  ///
  /// The first fault that is found is written into the record beside the manifest.
  ///
  /// - Parameters:
  ///   - volumes: The volumes.
  ///   - advice: The next step for who meets a damaged one, after a semicolon.
  ///   - deadline: When to give up; nil for never.
  /// - Throws: ``BackupError`` with code `damaged` that names the volume.
  package func refuseAltered(
    _ volumes: [String], advice: String, deadline: ContinuousClock.Instant?
  ) throws {
    let wanted = Set(volumes)
    let catalog = try pool.catalog()
    var known: [(point: Point, checksums: Checksums, volumes: [String])] = []
    for point in catalog.points {
      guard let checksums = try catalog.checksums(of: point, in: repository) else { continue }
      let own = point.manifest.volumes.map(\.name).filter {
        wanted.contains($0) && !checksums.withheld.contains($0)
      }
      guard !own.isEmpty else { continue }
      known.append((point, checksums, own))
    }
    let progress = ReadProgress(known.flatMap(\.volumes), in: self, deadline: deadline)
    for (point, checksums, own) in known {
      let found = try altered(own, of: point, checksums, progress)
      guard !found.isEmpty else { continue }
      // Another client that merges takes the checksums back before it writes: they say nothing of what
      // was read meanwhile.
      let now = try Checksums(in: point.checksumsVolume, of: point.manifest.uuid, repository)
      guard
        let problem = found.first(where: {
          now?.withheld.contains($0.volume) == false
            && now?.sums[$0.volume] == checksums.sums[$0.volume]
        })
      else { continue }
      try? record(
        .init(level: .checksums, time: process.time(), isPassed: false, problems: [problem]),
        of: point)
      throw BackupError(
        .damaged, "volume '\(problem.volume)' cannot be used: \(problem.text); \(advice)")
    }
  }

  /// Puts checksums beside a manifest, or others in the place of those that are there.
  ///
  /// - Throws: What the repository throws.
  package func write(_ checksums: Checksums, of point: Point) throws {
    try put(point.checksumsVolume, checksums.text)
    // The point may have gone meanwhile, with all that was beside it.
    if try !repository.contains(point.manifestVolume) {
      try repository.delete(point.checksumsVolume)
    }
  }

  /// Takes back what is known of the data of volumes, right before they are written.
  ///
  /// That there were checksums stays to be seen: ``renewChecksums(of:for:)`` makes others. What is known of
  /// the other volumes of their points stays: nobody looks at these now.
  ///
  /// - Parameter volumes: Names of the volumes, by the UUIDs of their points.
  /// - Throws: What the repository throws; nothing may be written then.
  package func withholdProofs(of volumes: [String: Set<String>]) throws {
    guard !volumes.isEmpty else { return }
    let catalog = try pool.catalog()
    var changed: [String] = []
    for (uuid, names) in volumes {
      guard let point = catalog.point(uuid: uuid) else { continue }
      if var checksums = try Checksums(in: point.checksumsVolume, of: uuid, repository) {
        let before = checksums
        checksums.withhold(names)
        if checksums != before {
          try repository.replace(point.checksumsVolume, Array(checksums.text.utf8))
          changed.append(point.checksumsVolume)
        }
      }
      try forgetRecord(of: names, in: point.verificationVolume, of: uuid)
    }
    if !changed.isEmpty { try repository.synchronize(changed) }
  }

  /// Makes the checksums anew that ``withholdProofs(of:)`` took back, once the volumes are whole.
  ///
  /// A failure, or a user who asks to stop, is only told: `backup-verify --update` makes the rest.
  ///
  /// - Parameters:
  ///   - uuids: The points.
  ///   - pending: The operation that has written the volumes, and keeps others from writing them.
  /// - Throws: ``BackupError`` with code `busy` where another client has ended the operation: what was read
  ///   may have been written since; what libvirt throws where the pool cannot be read.
  package func renewChecksums(of uuids: Set<String>, for pending: Catalog.Pending) throws {
    guard !uuids.isEmpty else { return }
    let catalog = try pool.catalog()
    for point in uuids.sorted().compactMap({ catalog.point(uuid: $0) }) {
      guard
        var checksums = try Checksums(
          in: point.checksumsVolume, of: point.manifest.uuid, repository),
        !checksums.withheld.isEmpty
      else { continue }
      let own = point.manifest.volumes.map(\.name)
      checksums.forget(checksums.withheld.subtracting(own))
      let volumes = own.filter(checksums.withheld.contains)
      do {
        checksums.renew(try sums(of: volumes, ReadProgress(volumes, in: self)))
        try journal.requireUnderWay(pending)
        try write(checksums, of: point)
      } catch {
        guard try journal.isUnderWay(pending) else { throw error }
        observer.notice(
          "the checksums of backup '\(point.manifest.name)' are not made anew: \(error); "
            + "backup-verify --update makes them")
        continue
      }
      do {
        try journal.requireUnderWay(pending)
      } catch {
        // A merge that has begun in between has not seen them.
        try withholdProofs(of: [point.manifest.uuid: Set(volumes)])
        throw error
      }
    }
  }

  /// Computes the checksums of all volumes of a point.
  ///
  /// - Throws: As ``sums(of:_:)``.
  package func sums(
    of point: Point, deadline: ContinuousClock.Instant? = nil
  ) throws -> [String: String] {
    let volumes = point.manifest.volumes.map(\.name)
    return try sums(of: volumes, ReadProgress(volumes, in: self, deadline: deadline))
  }
}
