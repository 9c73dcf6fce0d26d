// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// A look at the volumes of points: whether they are there and what the manifests say.
///
/// It reads heads and tables, never data, and each volume once. Over a connection to another machine
/// it reads less.
package final class Inspection {
  /// What is wrong with a volume.
  package struct Problem: Sendable, Equatable {
    /// Name of the volume.
    package var volume: String
    /// What is wrong with it, without a full stop.
    package var text: String
    /// Whether it is not there.
    package var isMissing: Bool

    /// Makes the description of a problem.
    package init(volume: String, text: String, isMissing: Bool = false) {
      self.volume = volume
      self.text = text
      self.isMissing = isMissing
    }
  }

  private let catalog: Catalog
  private let repository: any Repository
  private var found: [String: Result<Problem?, any Error>] = [:]
  /// The damage to data that earlier checks have recorded; nil if records do not count.
  private let known: KnownDamage?

  /// Prepares to look at a pool.
  ///
  /// - Parameters:
  ///   - catalog: The pool.
  ///   - repository: Its volumes.
  ///   - believesRecords: Whether a volume whose data was found wrong by its checksum is wrong.
  package init(
    _ catalog: Catalog, in repository: any Repository, believesRecords: Bool = true
  ) {
    self.catalog = catalog
    self.repository = repository
    known = believesRecords ? KnownDamage(catalog, in: repository) : nil
  }

  /// What is wrong with the volumes that a point needs, its own and those it stands on.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - disks: The disks that count; nil for all, and the rest of the point.
  /// - Returns: The problems, each once. What cannot be read from here is none.
  package func problems(of point: Point, disks: Set<String>? = nil) -> [Problem] {
    var problems: [Problem] = []
    func add(_ problem: Problem?) {
      if let problem, !problems.contains(problem) { problems.append(problem) }
    }
    for disk in point.manifest.disks where disks?.contains(disk.name) ?? true {
      do {
        let chain = try catalog.chain(of: point, disk: disk.name)
        for place in chain.indices { add(try? problem(in: chain, at: place)) }
      } catch {
        add(Problem(volume: disk.volume.name, text: "\(error)", isMissing: true))
      }
    }
    guard disks == nil else { return problems }
    for state in [point.manifest.nvram, point.manifest.tpm].compactMap(\.self) {
      add(try? problem(of: state))
    }
    return problems
  }

  /// What is wrong with a volume of a chain.
  ///
  /// - Parameters:
  ///   - chain: The volumes that a disk is made of, its own first.
  ///   - place: The place of the volume among them.
  /// - Returns: The problem; nil for none.
  /// - Throws: What the repository throws where it cannot be read, which need not be the volume's
  ///   fault.
  package func problem(in chain: [Manifest.Disk], at place: Int) throws -> Problem? {
    let disk = chain[place]
    let parent = place + 1 < chain.count ? chain[place + 1].volume.name : nil
    return try problem(of: disk.volume.name, key: "\(disk.volume.name)/\(parent ?? "")") {
      try check(disk, standsOn: parent)
    }
  }

  /// What is wrong with the volume of a state.
  package func problem(of state: Manifest.State) throws -> Problem? {
    try problem(of: state.volume.name, key: state.volume.name) {
      let length = try repository.length(of: state.volume.name)
      guard length >= state.capacity else {
        throw BackupError(.failed, "it has \(length) bytes, not \(state.capacity)")
      }
    }
  }

  private func problem(
    of volume: String, key: String, _ check: () throws -> Void
  ) throws -> Problem? {
    if let known = found[key] { return try known.get() }
    let result = Result { () throws -> Problem? in
      guard catalog.volumes.contains(volume) else {
        return Problem(volume: volume, text: "it is gone", isMissing: true)
      }
      do {
        try repository.requireFile(volume)
        try check()
        return known?.problem(of: volume)
      } catch let error as BackupError {
        return Problem(volume: volume, text: error.description, isMissing: false)
      }
    }
    found[key] = result
    return try result.get()
  }

  // Where a delete is under way, `merging` says what the volume stands on once it has taken over what
  // it needs of its parent.
  private func check(_ disk: Manifest.Disk, standsOn parent: String?) throws {
    let volume = disk.volume
    let header = try Qcow2Header(
      parsing: try repository.read(volume.name, offset: 0, length: Qcow2Header.length))
    if header.isCorrupt { throw BackupError(.failed, "it is marked as corrupt") }
    if header.hasDataFile { throw BackupError(.failed, "its data is in another file") }
    if header.isEncrypted { throw BackupError(.failed, "it is encrypted") }
    guard header.capacity == disk.capacity else {
      throw BackupError(
        .failed, "it holds a disk of \(header.capacity) bytes, not \(disk.capacity)")
    }
    let merged = catalog.merging[volume.name]
    guard header.backingFile == parent || merged.map({ $0.backing == header.backingFile }) == true
    else {
      throw BackupError(
        .failed, "its backing file is '\(header.backingFile ?? "none")', not '\(parent ?? "none")'")
    }
    // Something may be written into it right now.
    guard merged == nil else { return }
    let length = try repository.length(of: volume.name)
    if let written = volume.length, length < written {
      throw BackupError(.failed, "it is cut off: it has \(length) of \(written) bytes")
    }
    let tables = try repository.tables(of: volume.name, length: length)
    // It has more where a merge took something over and was given up.
    if let written = volume.clusters, let clusters = tables.clusters, clusters < written {
      throw BackupError(
        .failed, "its tables are damaged: they have \(clusters) of \(written) clusters")
    }
  }
}

extension Repository {
  /// Checks the tables of an image; of one on another machine not all are read.
  ///
  /// - Throws: ``BackupError`` that says what is wrong; what the repository throws.
  package func tables(of volume: String, length: UInt64) throws -> Qcow2Tables {
    try Qcow2Tables(length: length, readsAll: isReadDirectly) {
      try read(volume, offset: $0, length: $1)
    }
  }

  /// What a manifest says of a volume that is whole.
  ///
  /// - Parameter volume: What it said before.
  /// - Returns: The same with what the volume has now, as far as that can be seen.
  /// - Throws: What the repository throws where the volume cannot be found.
  package func measured(_ volume: Manifest.Volume) throws -> Manifest.Volume {
    var volume = volume
    volume.size = try allocation(of: volume.name)
    volume.length = try? length(of: volume.name)
    volume.clusters = volume.length.flatMap { length in
      (try? tables(of: volume.name, length: length))?.clusters
    }
    return volume
  }

  /// Refuses a volume that is no regular file, or that could be a link.
  ///
  /// - Throws: ``BackupError`` with code `invalid`.
  package func requireFile(_ volume: String) throws {
    guard try isFile(volume) else {
      throw BackupError(.invalid, "it is not a regular file")
    }
    guard isTrusted || seesLinks else {
      throw BackupError(
        .invalid,
        "others can write to pool '\(name)', and only on its host can be seen that it is no link")
    }
  }
}
