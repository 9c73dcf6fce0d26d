// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// What a pool holds: points, operations under way and documents that cannot be used.
///
/// The manifests alone say what exists. Order is their sequence, kinship is per disk.
package struct Catalog: Sendable {
  /// A document that cannot be used.
  package struct Broken: Sendable, Equatable {
    /// Name of the volume.
    package var volume: String
    /// What is wrong with it.
    package var reason: String
    /// Whether it is a partial, not a manifest.
    package var isPartial: Bool
    /// Whether a newer version of this program wrote it.
    package var isNewer: Bool = false
  }

  /// An operation under way.
  package struct Pending: Sendable, Equatable {
    /// Name of the volume the partial is in.
    package var volume: String
    /// The partial.
    package var partial: Partial

    /// Name of the volume that, where it is there, says how far the operation came; without the
    /// partial it says nothing.
    ///
    /// A session's tells whose it is: another session may have come to the name.
    package var mark: String {
      guard partial.session != nil else { return volume + VolumeNames.doneSuffix }
      return volume + VolumeNames.endedSuffix + partial.id.digits
    }

    /// Name of the volume whose length says what becomes of a create, of this operation alone: another
    /// may have the partial's name later.
    package var decided: String {
      "\(volume)\(VolumeNames.decidedSuffix)\(partial.id.short)"
    }

    /// Name of the volume that says which merges of a delete are on disk; without the partial it says
    /// nothing.
    package var mergedNote: String { volume + VolumeNames.mergedSuffix }
    /// Name of the volume that says which file a name was given to, for the file of that number.
    package func made(_ number: Int) -> String { "\(volume)\(VolumeNames.madeSuffix)\(number)" }

    /// Name of the volume by which a client takes the end of the operation on itself: the first one
    /// has number 1, one that takes it over from a client that died the next.
    package func claim(_ number: Int) -> String {
      "\(volume)\(VolumeNames.claimSuffix)\(number)"
    }
  }

  /// Documents larger than this are not ours.
  package static let largestDocument: UInt64 = 8 << 20

  /// Name of the pool.
  package let poolName: String
  /// All points, by domain and sequence.
  package private(set) var points: [Point]
  /// All operations under way.
  package private(set) var pending: [Pending]
  /// All documents that cannot be used.
  package private(set) var broken: [Broken]
  /// Names of every volume in the pool.
  package private(set) var volumes: Set<String>
  /// UUIDs of domains whose bitmaps were removed by `backup-forget`, with the note's volume.
  package private(set) var forgotten: [String: [String]]
  /// Volumes that take over what they need of points that are being deleted, by name.
  package private(set) var merging: [String: Partial.DeleteMerge] = [:]
  /// Disks of points that cannot be used, by the points' UUIDs, as far as somebody looked.
  private var damaged: [String: Set<String>] = [:]
  /// Places of the points by UUID.
  private var places: [String: Int] = [:]
  /// Places of the points that stand on one, by its UUID.
  private var childPlaces: [String: [Int]] = [:]

  /// Reads a pool.
  ///
  /// - Parameters:
  ///   - repository: The pool's volumes.
  ///   - refresh: Whether the pool first looks what others put into it.
  ///   - known: Manifests that were read before, by volume: they are not read again, since what one
  ///     that is whole says of its data never changes.
  ///   - documents: Reads what is read again.
  /// - Throws: What the repository throws when it cannot be listed. A document that cannot be read
  ///   is listed as broken.
  package init(
    of repository: any Repository, refresh: Bool = true, known: [String: Manifest] = [:],
    documents: DocumentReader = DocumentReader()
  ) throws {
    if refresh { try repository.refresh() }
    poolName = repository.name
    volumes = Set(try repository.volumeNames())
    points = []
    pending = []
    broken = []
    forgotten = [:]
    for volume in volumes.sorted() {
      do {
        try load(volume, from: repository, known: known, documents)
      } catch {
        // A document that was deleted while we looked is simply gone.
        guard (try? repository.contains(volume)) != false else { continue }
        var isNewer = false
        if let error = error as? DomainXMLError, case .newerVersion = error.reason {
          isNewer = true
        }
        broken.append(
          Broken(
            volume: volume, reason: "\(error)",
            isPartial: volume.hasSuffix(VolumeNames.partialSuffix), isNewer: isNewer))
      }
    }
    addManifestsOfDeletes()
    dropDoubles()
    points.sort {
      ($0.manifest.domainUUID, $0.manifest.sequence, $0.manifest.uuid)
        < ($1.manifest.domainUUID, $1.manifest.sequence, $1.manifest.uuid)
    }
    for (place, point) in points.enumerated() {
      places[point.manifest.uuid] = place
      for parent in Set(point.manifest.disks.compactMap(\.parent)) {
        childPlaces[parent, default: []].append(place)
      }
    }
    findMissingVolumes()
  }

  private mutating func load(
    _ volume: String, from repository: any Repository, known: [String: Manifest],
    _ documents: DocumentReader
  ) throws {
    if volume.hasSuffix(VolumeNames.manifestSuffix) {
      let manifest = try known[volume] ?? documents.manifest(in: volume, of: repository)
      points.append(Point(manifest: manifest, manifestVolume: volume))
    } else if volume.hasSuffix(VolumeNames.partialSuffix) {
      let partial = try documents.partial(in: volume, of: repository)
      pending.append(Pending(volume: volume, partial: partial))
    } else if volume.hasSuffix(VolumeNames.forgottenSuffix) {
      let note = try ForgottenNote(parsing: Catalog.text(of: volume, in: repository))
      forgotten[note.domainUUID, default: []].append(volume)
    }
  }

  /// The content of a document of ours.
  ///
  /// - Throws: ``BackupError`` for one that is too large to be ours; what the repository throws.
  package static func text(of volume: String, in repository: any Repository) throws -> String {
    try text(try repository.read(volume, offset: 0, length: largestDocument + 1))
  }

  /// The content of a document of ours that another client may delete at any time; nil where it is not
  /// there.
  ///
  /// - Throws: As ``text(of:in:)``.
  package static func textIfThere(
    _ volume: String, in repository: any Repository
  ) throws -> String? {
    try repository.readIfThere(volume, length: largestDocument + 1).map(text)
  }

  private static func text(_ bytes: [UInt8]) throws -> String {
    guard bytes.count <= largestDocument else {
      throw BackupError(.invalid, "it is longer than \(largestDocument) bytes")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A manifest that a delete rewrites is in its partial meanwhile.
  private mutating func addManifestsOfDeletes() {
    for pending in pending {
      guard let delete = pending.partial.delete else { continue }
      for merge in delete.merges { merging[merge.volume] = merge }
      for manifest in delete.manifests
      where !points.contains(where: { $0.manifest.uuid == manifest.uuid }) {
        let volume = manifest.volumeNames.manifest
        broken.removeAll { $0.volume == volume }
        points.append(Point(manifest: manifest, manifestVolume: volume))
      }
    }
  }

  /// Of two manifests with one UUID (a copied file) the first by name counts.
  private mutating func dropDoubles() {
    var seen: Set<String> = []
    points.removeAll { point in
      guard !seen.insert(point.manifest.uuid).inserted else { return false }
      broken.append(
        Broken(
          volume: point.manifestVolume,
          reason: "another manifest has its UUID \(point.manifest.uuid)", isPartial: false))
      return true
    }
  }
}

// MARK: - Looking things up

extension Catalog {
  /// The point of that UUID; nil when there is none.
  package func point(uuid: String) -> Point? {
    places[uuid].map { points[$0] }
  }

  /// Notes that a disk of a point cannot be used.
  package mutating func noteDamage(of point: String, disk: String) {
    damaged[point, default: []].insert(disk)
  }

  /// Whether it was noted that a disk of a point cannot be used.
  package func isDamaged(_ point: String, disk: String) -> Bool {
    damaged[point]?.contains(disk) ?? false
  }

  /// The points of one domain, oldest first.
  package func points(of domainUUID: String) -> [Point] {
    // The points are sorted by domain, so that a binary search finds those of one among a hundred.
    var first = 0, end = points.count
    while first < end {
      let middle = (first + end) / 2
      if points[middle].manifest.domainUUID < domainUUID {
        first = middle + 1
      } else {
        end = middle
      }
    }
    return Array(points[first...].prefix { $0.manifest.domainUUID == domainUUID })
  }

  /// The operations under way on one domain.
  package func pending(of domainUUID: String) -> [Pending] {
    pending.filter { $0.partial.domainUUID == domainUUID }
  }

  /// The operations under way on one domain, and the live restores of copies of it.
  package func pending(concerning domainUUID: String) -> [Pending] {
    pending.filter { pending in
      if pending.partial.domainUUID == domainUUID { return true }
      return pending.partial.liveRestore.flatMap { point(uuid: $0.point) }?.manifest.domainUUID
        == domainUUID
    }
  }

  /// The points that stand on this one, by any disk, oldest first.
  package func children(of uuid: String) -> [Point] {
    (childPlaces[uuid] ?? []).map { points[$0] }
  }

  /// All points that stand on this one, directly or not, oldest first: each after what it stands on.
  package func descendants(of uuid: String) -> [Point] {
    var found: Set<String> = []
    var open = [uuid]
    while let next = open.popLast() {
      for child in children(of: next) where found.insert(child.manifest.uuid).inserted {
        open.append(child.manifest.uuid)
      }
    }
    return points.filter { found.contains($0.manifest.uuid) }
  }

  /// The volumes a disk of a point is made of, its own first, the full last.
  ///
  /// - Throws: ``BackupError`` when an ancestor is missing or a chain bites its tail.
  package func chain(of point: Point, disk name: String) throws -> [Manifest.Disk] {
    var chain: [Manifest.Disk] = []
    var seen: Set<String> = []
    var next: Point? = point
    while let current = next {
      guard let disk = current.manifest.disks.first(where: { $0.name == name }) else {
        throw BackupError(
          .failed, "backup '\(current.manifest.name)' has no data of disk '\(name)'")
      }
      guard seen.insert(current.manifest.uuid).inserted else {
        throw BackupError(.failed, "the parents of backup '\(point.manifest.name)' form a circle")
      }
      chain.append(disk)
      guard let parent = disk.parent else { return chain }
      next = self.point(uuid: parent)
      if next == nil {
        throw BackupError(
          .failed,
          "backup '\(current.manifest.name)' needs backup \(parent) for disk '\(name)', "
            + "which is gone")
      }
      if next?.manifest.domainUUID != point.manifest.domainUUID {
        throw BackupError(
          .failed,
          "backup '\(current.manifest.name)' names a parent that is another domain's")
      }
    }
    return chain
  }

  /// Finds out what is not there of each point.
  ///
  /// What is missing of a chain is found from what is missing of the chain below: a pool may hold a
  /// thousand points of one domain.
  private mutating func findMissingVolumes() {
    var known: [String: [String]] = [:]
    for index in points.indices {
      let manifest = points[index].manifest
      var missing: [String] = []
      for disk in manifest.disks {
        let below = disk.parent.flatMap { known["\($0)/\(disk.name)"] }
        let found: [String]
        if disk.parent == nil || below != nil, isSound(disk, of: manifest) {
          found = [disk.volume.name].filter { !volumes.contains($0) } + (below ?? [])
        } else {
          // What it stands on comes later, or is not there.
          let chain = try? self.chain(of: points[index], disk: disk.name)
          found =
            chain.map { $0.map(\.volume.name).filter { !volumes.contains($0) } }
            ?? [disk.volume.name]
          guard chain != nil else {
            missing += found
            continue
          }
        }
        known["\(manifest.uuid)/\(disk.name)"] = found
        missing += found
      }
      let states = [manifest.nvram, manifest.tpm].compactMap { $0?.volume.name }
      points[index].missingVolumes = missing + states.filter { !volumes.contains($0) }
    }
  }

  /// Whether what a disk stands on is of the same domain.
  private func isSound(_ disk: Manifest.Disk, of manifest: Manifest) -> Bool {
    guard let parent = disk.parent else { return true }
    return point(uuid: parent)?.manifest.domainUUID == manifest.domainUUID
  }
}
