// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Proves that points can be restored, and writes down what it found.
struct Verify: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension Verify {
  /// As ``Engine/verify(_:boots:options:)``, once the domains are settled.
  func run(
    _ points: [Point], boots: Set<String>, options: VerifyOptions
  ) throws -> (reports: [VerifyReport], unread: Int) {
    let catalog = try catalog()
    // Some may have gone since they were chosen.
    let points = points.compactMap { catalog.point(uuid: $0.manifest.uuid) }
    var reports = try structure(of: points, in: catalog, options: options)
    var unread = 0
    if options.comparesChecksums {
      unread = try compare(&reports, in: catalog, options: options)
    }
    for place in reports.indices where boots.contains(reports[place].point.manifest.uuid) {
      guard let limit = options.bootLimit, reports[place].problems.isEmpty else { continue }
      let point = reports[place].point
      let boot = try boot(
        point, limit: limit, wantsScreenshot: options.wantsScreenshot,
        emulators: options.emulators)
      reports[place].boot = boot
      try note(.boot, boot.isPassed, boot.detail, of: point, options)
    }
    return (reports, unread)
  }

  /// Looks at manifests, chains, headers and tables.
  private func structure(
    of points: [Point], in catalog: Catalog, options: VerifyOptions
  ) throws -> [VerifyReport] {
    let inspection = Inspection(catalog, in: repository, believesRecords: false)
    let known = Inspection(catalog, in: repository)
    var checked: [String: Inspection.Problem?] = [:]
    var isTold = false
    return try points.map { point in
      try observer.stopIfInterrupted()
      var problems = inspection.problems(of: point)
      for volume in try images(of: point, in: catalog)
      where !problems.contains(where: { $0.volume == volume }) {
        if checked[volume] == nil {
          let (problem, untold) = imageProblem(of: volume, in: catalog, isTold: isTold)
          checked[volume] = .some(problem)
          isTold = isTold || untold
        }
        if let problem = checked[volume] ?? nil { problems.append(problem) }
      }
      try note(.structure, problems.isEmpty, nil, of: point, options, problems)
      // A fault that comparing found before counts until the volume is compared again.
      let altered =
        options.comparesChecksums
        ? [] : known.problems(of: point).filter { !problems.contains($0) }
      return VerifyReport(
        point: point, problems: problems + altered, altered: altered,
        comparison: altered.isEmpty ? nil : .failed)
    }
  }

  /// The images that a point's disks are made of; those of chains that are not whole are left out.
  private func images(of point: Point, in catalog: Catalog) throws -> [String] {
    point.manifest.disks.flatMap { disk in
      ((try? catalog.chain(of: point, disk: disk.name)) ?? []).map(\.volume.name)
    }
  }

  /// Checks an image by `qemu-img`, and tells the user of the first that cannot be checked.
  ///
  /// - Returns: The fault of the image; nil for none. True where it cannot be checked.
  private func imageProblem(
    of volume: String, in catalog: Catalog, isTold: Bool
  ) -> (Inspection.Problem?, isTold: Bool) {
    // Something may be written into it right now.
    guard catalog.merging[volume] == nil else { return (nil, false) }
    switch repository.imageCheck(of: volume) {
    case .sound: return (nil, false)
    case .damaged(let text):
      return (Inspection.Problem(volume: volume, text: text, isMissing: false), false)
    case .unchecked(let reason):
      if !isTold {
        observer.notice("volume '\(volume)' is not checked by qemu-img: \(reason)")
      }
      return (nil, true)
    }
  }
}
