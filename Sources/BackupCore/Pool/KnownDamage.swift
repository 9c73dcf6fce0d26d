// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The damage that was found in volumes when they were compared with their checksums.
///
/// An image whose tables are right may hold wrong data, which only that comparison finds.
package final class KnownDamage {
  private let catalog: Catalog
  private let repository: any Repository
  /// The points that have a record, by their volumes.
  private lazy var owners: [String: Point] = {
    var owners: [String: Point] = [:]
    for point in catalog.points where catalog.volumes.contains(point.verificationVolume) {
      for volume in point.manifest.volumes { owners[volume.name] = point }
    }
    return owners
  }()
  private var records: [String: Verification?] = [:]
  /// True for each disk of a point that is damaged, by the point's UUID and the disk's name.
  private var chains: [String: Bool] = [:]

  /// Prepares to look up what is known of a pool.
  init(_ catalog: Catalog, in repository: any Repository) {
    self.catalog = catalog
    self.repository = repository
  }

  /// True where no point has a record.
  var isEmpty: Bool { owners.isEmpty }

  /// The record of a point, read once; nil if there is none that can be read and is the point's own.
  package func verification(of point: Point) -> Verification? {
    if let known = records[point.manifest.uuid] { return known }
    let record = catalog.verification(of: point, in: repository)
    records[point.manifest.uuid] = .some(record)
    return record
  }

  /// Finds the known damage of a volume; nil for none.
  func problem(of volume: String) -> Inspection.Problem? {
    guard let owner = owners[volume] else { return nil }
    guard let check = verification(of: owner)?.check(.checksums),
      let problem = check.problems.first(where: { $0.volume == volume })
    else { return nil }
    return Inspection.Problem(
      volume: volume,
      text: "\(problem.text) (found \(UTCTime(secondsSince1970: check.time).rfc3339); "
        + "backup-verify --checksums looks again)",
      isMissing: false)
  }
}

extension KnownDamage {
  /// Tells that a point, or what a disk of it stands on, was damaged when it was compared.
  package func concerns(_ point: Point) -> Bool {
    !isEmpty && point.manifest.disks.contains { concerns(point, disk: $0.name) }
  }

  /// Looks down the chain of a disk as far as it is not known yet: a pool may hold a thousand points of
  /// one domain, each on the one before.
  private func concerns(_ point: Point, disk name: String) -> Bool {
    var above: [String] = []
    var next: Point? = point
    var isDamaged = false
    while let current = next, above.count <= catalog.points.count,
      let disk = current.manifest.disks.first(where: { $0.name == name })
    {
      let key = "\(current.manifest.uuid) \(name)"
      if let known = chains[key] {
        isDamaged = known
        break
      }
      above.append(key)
      if problem(of: disk.volume.name) != nil {
        isDamaged = true
        break
      }
      next = disk.parent.flatMap { catalog.point(uuid: $0) }
    }
    for key in above { chains[key] = isDamaged }
    return isDamaged
  }
}

extension Catalog {
  /// Looks up the damage that is known of the points; no data is read for it.
  ///
  /// - Parameter repository: The pool's volumes.
  /// - Returns: The damage.
  package func knownDamage(in repository: any Repository) -> KnownDamage {
    KnownDamage(self, in: repository)
  }
}
