// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Context {
  /// Checks that the images of a chain are what the manifests say, before anything is made of them.
  ///
  /// - Parameters:
  ///   - chain: The images.
  ///   - catalog: The pool.
  ///   - believesRecords: Whether one whose data was found wrong before is refused.
  /// - Throws: ``BackupError`` that names the volume and what is wrong with it.
  package func checkChain(
    _ chain: [Manifest.Disk], in catalog: Catalog, believesRecords: Bool = true
  ) throws {
    let inspection = Inspection(catalog, in: repository, believesRecords: believesRecords)
    for place in chain.indices {
      if let problem = try inspection.problem(in: chain, at: place) { throw problem.refusal }
    }
  }

  /// Checks the volumes with what a point has beside its disks.
  ///
  /// - Parameters:
  ///   - states: The states.
  ///   - catalog: The pool.
  ///   - believesRecords: Whether one whose data was found wrong before is refused.
  /// - Throws: ``BackupError`` that names the volume and what is wrong with it.
  package func checkStates(
    _ states: [Manifest.State?], in catalog: Catalog, believesRecords: Bool = true
  ) throws {
    let inspection = Inspection(catalog, in: repository, believesRecords: believesRecords)
    for state in states.compactMap(\.self) {
      if let problem = try inspection.problem(of: state) { throw problem.refusal }
    }
  }

  /// Notes which points of a domain have damaged volumes, as far as its next backup could stand on
  /// them.
  ///
  /// - Parameters:
  ///   - catalog: The pool.
  ///   - domainUUID: The domain.
  ///   - named: Points that the user named as parents.
  /// - Returns: The pool with what was found.
  package func inspected(
    _ catalog: Catalog, domainUUID: String, named: [String]
  ) -> Catalog {
    var catalog = catalog
    let inspection = Inspection(catalog, in: repository)
    let points = catalog.points(of: domainUUID)
    func isWhole(_ point: Point, _ disk: String) -> Bool {
      let problems = inspection.problems(of: point, disks: [disk])
      if problems.contains(where: { !$0.isMissing }) {
        catalog.noteDamage(of: point.manifest.uuid, disk: disk)
      }
      return problems.isEmpty
    }
    for disk in Set(points.flatMap { $0.manifest.disks.map(\.name) }) {
      // The newest that is whole is as far as the choice goes.
      _ = points.last { $0.has(disk) && isWhole($0, disk) }
      for point in points where point.has(disk) && named.contains(where: point.isNamed) {
        _ = isWhole(point, disk)
      }
    }
    return catalog
  }
}

extension Inspection.Problem {
  /// The refusal to use the volume.
  package var refusal: BackupError {
    BackupError(.failed, "volume '\(volume)' cannot be used: \(text)")
  }
}

extension Point {
  /// Whether it has that name or UUID.
  fileprivate func isNamed(_ text: String) -> Bool {
    manifest.name == text || manifest.uuid == text.lowercased()
  }
}
