// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML

/// The points of a domain that a prune keeps, and those that it deletes.
package struct PrunePlan: Sendable {
  /// A point and what becomes of it.
  package struct Entry: Sendable {
    /// The point.
    package var point: Point
    /// The decision on the point.
    package var verdict: Retention.Verdict
    /// Bytes that come back at most when it goes; 0 for one that stays.
    package var frees: UInt64
  }

  /// The domain.
  package let domainUUID: String
  /// All of its points, the oldest first.
  package let entries: [Entry]
  /// The rules and the time that the plan rests on.
  let basis: Basis

  /// The rules of a user, and the time at which they are applied.
  package struct Basis: Sendable {
    /// The rules.
    package var rules: RetentionRules
    /// Seconds since 1970-01-01T00:00:00Z.
    package var now: Int64
    /// By what days, weeks and so on begin.
    package var localTime: LocalTime

    /// Makes it.
    package init(rules: RetentionRules, now: Int64, localTime: LocalTime) {
      self.rules = rules
      self.now = now
      self.localTime = localTime
    }
  }

  /// Decides it.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - catalog: The pool.
  ///   - basis: What the user wants to keep.
  ///   - here: This host, whose points alone are judged; nil for those of all hosts.
  ///   - isDamaged: Tells that a point cannot be restored though no volume of it is missing.
  package init(
    of domainUUID: String, in catalog: Catalog, _ basis: Basis, here: HostIdentity? = nil,
    isDamaged: (Point) -> Bool = { _ in false }
  ) {
    self.domainUUID = domainUUID
    self.basis = basis
    let points = catalog.points(of: domainUUID)
    let retention = Retention(
      points.map { point in
        Retention.Candidate(
          time: point.manifest.creationTime, isProtected: point.manifest.isProtected,
          isInUse: catalog.isInUse(point), isComplete: point.isComplete && !isDamaged(point),
          isElsewhere: here.map { !point.isOf($0) } ?? false)
      }, rules: basis.rules, now: basis.now, localTime: basis.localTime)
    let doomed = Set(
      zip(points, retention.verdicts).filter { !$0.1.keeps }.map(\.0.manifest.uuid))
    let room = FreedRoom(points, doomed: doomed)
    entries = zip(points, retention.verdicts).map { point, verdict in
      Entry(point: point, verdict: verdict, frees: room.bytes[point.manifest.uuid] ?? 0)
    }
  }

  /// The points that go, the oldest first.
  package var removed: [Point] { entries.filter { !$0.verdict.keeps }.map(\.point) }
  /// Bytes that come back at most.
  package var frees: UInt64 { entries.reduce(0) { $0 &+ $1.frees } }
}

extension Catalog {
  /// Tells that an operation under way deletes a point, rewrites it, reads it or stands on it.
  fileprivate func isInUse(_ point: Point) -> Bool {
    guard !pending.isEmpty else { return false }
    let uuid = point.manifest.uuid
    let delete = Partial.Delete(
      points: [.init(uuid: uuid, manifest: point.manifestVolume, volumes: [])])
    return pending.contains { isConcerned($0.partial, by: delete) }
  }
}

/// The room that the points that go give back at most.
///
/// A point that stays is merged with all that go between it and the next one that stays:
/// of them all the largest image remains, at least.
private struct FreedRoom {
  /// Bytes by the UUIDs of the points that go.
  private(set) var bytes: [String: UInt64] = [:]

  init(_ points: [Point], doomed: Set<String>) {
    guard !doomed.isEmpty else { return }
    let byUUID = Dictionary(
      points.map { ($0.manifest.uuid, $0.manifest) }, uniquingKeysWith: { first, _ in first })
    for point in points where doomed.contains(point.manifest.uuid) {
      bytes[point.manifest.uuid] = point.size
    }
    for point in points where !doomed.contains(point.manifest.uuid) {
      for disk in point.manifest.disks {
        keepLargest(below: disk, doomed, byUUID)
      }
    }
  }

  /// Takes back what a disk that stays needs of those that go below it.
  private mutating func keepLargest(
    below disk: Manifest.Disk, _ doomed: Set<String>, _ points: [String: Manifest]
  ) {
    var largest: (uuid: String, size: UInt64)?
    var next = disk.parent
    var seen: Set<String> = []
    while let uuid = next, doomed.contains(uuid), seen.insert(uuid).inserted {
      guard let below = points[uuid]?.disks.first(where: { $0.name == disk.name }) else { break }
      if below.volume.size >= largest?.size ?? 0 { largest = (uuid, below.volume.size) }
      next = below.parent
    }
    guard let largest, largest.size > disk.volume.size else { return }
    let freed = bytes[largest.uuid] ?? 0
    bytes[largest.uuid] = freed - min(freed, largest.size - disk.volume.size)
  }
}
