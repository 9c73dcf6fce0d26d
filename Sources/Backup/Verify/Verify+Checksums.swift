// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Volumes are read and compared with their checksums, point by point: each with its own volumes.
extension Verify {
  /// The result of comparing a point's own volumes.
  private struct Own {
    var comparison: VerifyReport.Comparison
    var problems: [Inspection.Problem] = []
  }

  /// Compares points, and all that they stand on.
  ///
  /// - Parameters:
  ///   - reports: What is known of the points, which gets what is found.
  ///   - catalog: The pool.
  ///   - options: What the user wants.
  /// - Returns: How many points were to be compared and were not come to in time.
  /// - Throws: ``BackupError`` with code `interrupted`; of a single point also with code `busy`.
  func compare(
    _ reports: inout [VerifyReport], in catalog: Catalog, options: VerifyOptions
  ) throws -> Int {
    let lineages = reports.map { catalog.lineage(of: $0.point.manifest.uuid) }
    let due = try due(lineages, in: catalog, options: options)
    var found: [String: Own] = [:]
    var count = 0
    for point in due {
      if let deadline = options.deadline, ContinuousClock.now >= deadline { break }
      count += 1
      do {
        found[point.manifest.uuid] = try compare(point, options)
      } catch let error as BackupError where error.code == .busy {
        if reports.count == 1 { throw error }
        observer.notice("backup '\(point.manifest.name)' is not compared: \(error)")
        found[point.manifest.uuid] = Own(comparison: .busy)
      }
    }
    let remembered = Inspection(catalog, in: repository)
    for (place, lineage) in lineages.enumerated() {
      let own = found[reports[place].point.manifest.uuid]
      var problems = lineage.compactMap { found[$0.manifest.uuid] }.flatMap(\.problems)
      // Damage that was found before in points that were not read now counts until they are.
      let unread: [VerifyReport.Comparison?] = [nil, .busy, .bare]
      for other in lineage where unread.contains(found[other.manifest.uuid]?.comparison) {
        let volumes = Set(other.manifest.volumes.map(\.name))
        problems += remembered.problems(of: other).filter { volumes.contains($0.volume) }
      }
      reports[place].problems += problems.filter { !reports[place].problems.contains($0) }
      reports[place].altered = problems
      reports[place].comparison = problems.isEmpty ? own?.comparison : .failed
    }
    return due.count - count
  }

  /// The points whose volumes are read, in the order in which they are.
  private func due(
    _ lineages: [[Point]], in catalog: Catalog, options: VerifyOptions
  ) throws -> [Point] {
    var seen: Set<String> = []
    let points = lineages.joined().filter { seen.insert($0.manifest.uuid).inserted }
    guard options.share != nil || options.deadline != nil else { return points }
    let times = points.map { point in
      catalog.verification(of: point, in: repository)?.check(.checksums)?.time ?? 0
    }
    let order = points.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    return order.prefix(Verify.count(of: points.count, share: options.share)).map { points[$0] }
  }

  /// Returns how many points a share in percent is: at least one.
  static func count(of points: Int, share: Int?) -> Int {
    share.map { max(1, (points * $0 + 99) / 100) } ?? points
  }

  /// Compares the own volumes of a point.
  private func compare(_ point: Point, _ options: VerifyOptions) throws -> Own {
    try holding(point) { pending in
      let known = try Checksums(
        in: point.checksumsVolume, of: point.manifest.uuid, repository)
      let own: Own
      if let known {
        own = try compare(point, known, pending, options)
      } else if let damage = try damageWithoutChecksums(point, options) {
        return Own(comparison: .failed, problems: damage)
      } else if options.makesChecksums {
        try make(point, pending)
        own = Own(comparison: .made)
      } else {
        return Own(comparison: .bare)
      }
      try note(.checksums, own.problems.isEmpty, nil, of: point, options, own.problems)
      return own
    }
  }

  /// Finds what keeps checksums from being made anew for a point that has none which can be read.
  ///
  /// - Returns: The faults; nil where there are none. Damage that was found before would have a checksum
  ///   of its own then. A file that cannot be read may be made anew.
  private func damageWithoutChecksums(
    _ point: Point, _ options: VerifyOptions
  ) throws -> [Inspection.Problem]? {
    let record = Verification(in: point.verificationVolume, of: point.manifest.uuid, repository)
    if let known = record?.check(.checksums)?.problems, !known.isEmpty {
      return known.map { .init(volume: $0.volume, text: $0.text, isMissing: false) }
    }
    guard !options.makesChecksums, try repository.contains(point.checksumsVolume) else {
      return nil
    }
    return [
      .init(
        volume: point.checksumsVolume,
        text: "it is not the checksums of this backup; --update makes others", isMissing: false)
    ]
  }

  private func compare(
    _ point: Point, _ known: Checksums, _ pending: Catalog.Pending, _ options: VerifyOptions
  ) throws -> Own {
    let all = point.manifest.volumes.map(\.name)
    // A merge that took sums back and did not make them anew left them missing too.
    let missed = all.filter {
      known.sums[$0] == nil && (options.makesChecksums || known.withheld.contains($0))
    }
    let progress = ReadProgress(all, in: context)
    let altered = try context.altered(
      all.filter { !missed.contains($0) }, of: point, known, progress)
    if !missed.isEmpty {
      var whole = known
      whole.renew(try context.sums(of: missed, progress))
      try requireHeld(pending)
      try context.write(whole, of: point)
    }
    try requireHeld(pending)
    return Own(
      comparison: !altered.isEmpty ? .failed : missed.count == all.count ? .made : .passed,
      problems: altered.map { .init(volume: $0.volume, text: $0.text, isMissing: false) })
  }

  /// Makes the checksums of a point that has just been created.
  ///
  /// - Parameters:
  ///   - uuid: The point.
  ///   - deadline: When to give up; nil for never.
  /// - Throws: ``BackupError`` that says what helps.
  func addChecksums(to uuid: String, deadline: ContinuousClock.Instant?) throws {
    guard let point = try catalog().point(uuid: uuid) else { return }
    do {
      try holding(point) { try make(point, $0, deadline: deadline) }
    } catch let error as BackupError {
      let reason =
        switch error.code {
        case .interrupted: "interrupted"
        case .timedOut: "timed out"
        default: error.description
        }
      throw BackupError(
        error.code,
        "backup '\(point.manifest.name)' was created, but its checksums were not made (\(reason)); "
          + "backup-verify --update makes them")
    }
  }

  private func make(
    _ point: Point, _ pending: Catalog.Pending, deadline: ContinuousClock.Instant? = nil
  ) throws {
    let sums = try context.sums(of: point, deadline: deadline)
    try requireHeld(pending)
    try context.write(Checksums(point: point.manifest.uuid, sums: sums), of: point)
    do {
      try requireHeld(pending)
    } catch {
      // A merge that has begun in between has not seen them.
      try context.withholdProofs(
        of: [point.manifest.uuid: Set(point.manifest.volumes.map(\.name))])
      throw error
    }
  }

  /// Refuses to believe what was read while another client ended the operation: the volumes may have
  /// been written since.
  private func requireHeld(_ pending: Catalog.Pending) throws {
    guard try journal.isUnderWay(pending) else {
      throw BackupError(.busy, "another client ended the verification; try again")
    }
  }
}
