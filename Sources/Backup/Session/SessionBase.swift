// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
package import QMP

/// What a disk's changes are counted from, for an NBD session.
struct SessionBase {
  /// Bitmaps whose union holds every change since; empty where all counts.
  var bitmaps: [BitmapPlace] = []
  /// Why all counts although a parent was named; nil where it does not.
  var reason: Reason?

  /// Finds it.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - request: What the user said about it.
  ///   - options: What the user asked for.
  ///   - situation: The domain and the pool.
  ///   - points: The points of the domain.
  /// - Throws: ``BackupError`` when what was named does not exist, or not all that changed since is
  ///   known.
  init(
    _ disk: LiveDisk, request: DiskRequest, options: SessionOptions,
    situation: Situation, points: [Point]
  ) throws {
    guard !request.isFull, let parent = request.parent ?? options.parent else { return }
    if disk.isShareable {
      reason = .shared
      return
    }
    let layers = [disk.node] + disk.backing
    let known = layers.flatMap(\.sessionBitmaps).filter { $0.session == parent }
    if let name = known.first(where: { $0.disk == disk.name }) {
      bitmaps = try SessionBase.bitmaps(name, of: disk, layers: layers)
      return
    }
    let isSession = situation.nodes.contains { node in
      node.sessionBitmaps.contains { $0.session == parent }
    }
    if isSession {
      // The session had other disks, or had it while it was off and its image keeps no bitmaps.
      reason = disk.keepsBitmaps ? .newDisk(since: parent) : .bitmapLost(format: disk.format)
      return
    }
    let chain = points.last?.manifest.chain ?? ""
    let base = try BaseChoice(
      disk, request: .init(name: disk.name, parent: parent), points: points, chain: chain,
      catalog: situation.catalog,
      isForgotten: situation.catalog.forgotten[situation.definition.uuid] != nil, isPoint: false)
    bitmaps = base.bitmaps
    reason = base.reason
  }

  /// The bitmaps of a finished session on every image that was written to since.
  private static func bitmaps(
    _ name: SessionBitmapName, of disk: LiveDisk, layers: [BlockNode]
  ) throws -> [BitmapPlace] {
    func refuse(_ reason: Reason) -> BackupError {
      BackupError(
        .invalid,
        "what changed on disk '\(disk.name)' since '\(name.session)' is not known: \(reason.text)")
    }
    // The images written to since end with the first that the disk had then already: its active one
    // or, after a commit, what that was committed into, and libvirt merged the bitmaps.
    guard let born = disk.sources.firstIndex(where: { name.images.contains(disk.image(of: $0)) })
    else { throw refuse(.imageChanged) }
    let found = layers.prefix(born + 1).map { node in
      node.dirtyBitmaps?.first { $0.name == name.text }
    }
    guard found.count == born + 1, let top = found.first ?? nil,
      !found.contains(where: { $0 == nil })
    else { throw refuse(.bitmapMissing) }
    guard !found.contains(where: { $0?.inconsistent == true }) else {
      throw refuse(.bitmapInconsistent)
    }
    guard top.recording, !found.contains(where: { $0?.busy == true }) else {
      throw refuse(.bitmapMissing)
    }
    return layers.prefix(born + 1).map { .init(node: $0.nodeName, name: name.text) }
  }
}

extension Monitor {
  /// Names of the sessions whose changes are recorded, sorted.
  package func finishedSessions() throws -> [String] {
    Set(try blockNodes().flatMap(\.sessionBitmaps).map(\.session)).sorted()
  }
}

extension LiveDisk {
  /// The hash by which a session's bitmap knows an image of the disk.
  func image(of source: DomainDefinition.Source) -> String {
    SessionBitmapName.image(of: source, growingFrom: isRawBlockDevice ? capacity : nil)
  }
}
