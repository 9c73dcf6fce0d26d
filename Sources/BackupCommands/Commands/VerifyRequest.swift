// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc
import Vsh

/// The request that the options of `backup-verify` make.
struct VerifyRequest {
  /// Checks that the user asked for, and their limits.
  let options: VerifyOptions
  private let domain: String?
  private let backup: String?
  private let screenshot: String?

  /// Reads the options.
  ///
  /// - Throws: `ShellError` for those that exclude each other or make no sense.
  init(_ arguments: Arguments) throws {
    domain = try arguments.string("domain")
    backup = try arguments.string("backupname")
    screenshot = try arguments.string("screenshot")
    guard domain != nil || arguments.flag("all") else {
      throw ShellError("command 'backup-verify' requires <domain> option or --all")
    }
    let share = try arguments.number("sample", as: Int32.self).map(Int.init)
    guard share.map((1...100).contains) ?? true else {
      throw ShellError(
        "Numeric value '\(share ?? 0)' for <sample> option is malformed or out of range")
    }
    options = VerifyOptions(
      comparesChecksums: arguments.flag("checksums") || arguments.flag("update"),
      makesChecksums: arguments.flag("update"), share: share,
      deadline: try arguments.duration("max-time").map { .now + .seconds($0) },
      bootLimit: arguments.flag("boot") ? try arguments.duration("wait") ?? 120 : nil,
      wantsScreenshot: screenshot != nil)
  }

  /// The points that are looked at.
  ///
  /// - Throws: ``BackupError`` where there is none of that name.
  func points(in catalog: Catalog, _ workplace: Workplace) throws -> [Point] {
    guard let domain else { return catalog.points }
    let uuid = try workplace.domainUUID(domain, in: catalog)
    if let backup { return [try catalog.point(backup, of: uuid, named: domain)] }
    let points = catalog.points(of: uuid)
    // Says that there is none.
    return points.isEmpty ? [try catalog.point(nil, of: uuid, named: domain)] : points
  }

  /// UUIDs of the points on which a domain is started: of each domain the newest.
  func boots(of points: [Point]) -> Set<String> {
    var newest: [String: Point] = [:]
    for point in points {
      let domain = point.manifest.domainUUID
      if let known = newest[domain], known.manifest.sequence > point.manifest.sequence { continue }
      newest[domain] = point
    }
    return Set(newest.values.map(\.manifest.uuid))
  }

  /// Writes the picture of a screen into the file that was named.
  ///
  /// - Throws: ``BackupError`` or `ShellError` where it cannot be written.
  func save(_ reports: [VerifyReport]) throws {
    guard let screenshot, let image = reports.lazy.compactMap({ $0.boot?.screenshot }).first else {
      return
    }
    try LocalFile(screenshot).write(PNGImage(image).bytes)
  }
}
