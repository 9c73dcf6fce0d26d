// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// How volumes of the pool go: only where it is proved that nothing needs them.
extension Journal {
  /// Refuses to delete volumes that something needs.
  ///
  /// - Parameters:
  ///   - delete: What goes.
  ///   - isMerged: Whether the volumes that take over what they need have done so.
  ///   - catalog: The pool.
  /// - Throws: ``BackupError`` with code `busy` that names a volume and what needs it, or `failed`
  ///   where that cannot be found out.
  package func refuseNeeded(_ delete: Partial.Delete, isMerged: Bool, in catalog: Catalog) throws {
    let volumes = delete.points.flatMap(\.volumes)
    let users = try users(
      of: volumes, besides: isMerged ? [] : Set(delete.merges.map(\.volume)))
    guard let volume = volumes.first(where: { users[$0] != nil }), let user = users[volume] else {
      return
    }
    var text = "Requested operation is not valid: volume '\(volume)' is used by \(user.text)"
    // Whose volume it is nobody can tell.
    let owned = Set(catalog.points.flatMap { $0.manifest.volumes.map(\.name) })
    let unread = catalog.broken.filter { !$0.isPartial }
    if let other = user.volume, !owned.contains(other), !unread.isEmpty {
      text +=
        ", and there are manifests that cannot be read: "
        + unread.map { "'\($0.volume)' (\($0.reason))" }.joined(separator: ", ")
        + (unread.contains(where: \.isNewer)
          ? "; use the program that wrote them" : "; backup-delete deletes one by its name")
    }
    throw BackupError(.busy, text)
  }

  /// Deletes images of the pool, but none that something needs and none that is of a backup, whether it
  /// is whole or under way; missing ones are fine.
  ///
  /// - Parameters:
  ///   - volumes: The images.
  ///   - pending: The operation that deletes them; nothing is deleted any more once another has the
  ///     names. Nil for none that is written down.
  /// - Throws: ``BackupError`` or what libvirt throws.
  package func discard(_ volumes: [String], of pending: Catalog.Pending? = nil) throws {
    var volumes = try volumes.filter(repository.contains)
    guard !volumes.isEmpty else { return }
    let users = try users(of: volumes, besides: [])
    // Looking for users takes long, and others may have ended the same and made new ones meanwhile.
    let owned = try owned(volumes, besides: pending?.partial.uuid)
    volumes.removeAll(where: owned.contains)
    for volume in volumes {
      if let pending, try !mayDelete(byNamesOf: pending) { return }
      if let user = users[volume] {
        observer.notice("volume '\(volume)' is kept: it is used by \(user.text)")
        continue
      }
      try repository.delete(volume)
    }
  }

  /// The volumes that are of a backup, whole or under way.
  private func owned(_ volumes: [String], besides operation: String?) throws -> Set<String> {
    func owners(in catalog: Catalog) -> [Manifest] {
      catalog.points.map(\.manifest).filter { $0.volumes.contains { volumes.contains($0.name) } }
    }
    var catalog = try pool.catalog()
    let read = Set(owners(in: catalog).map(\.uuid))
    if !read.isEmpty {
      // Another client may have rewritten them since they were read.
      pool.forgetManifests { read.contains($0.uuid) }
      catalog = try pool.catalog()
    }
    let made = catalog.pending.map(\.partial).filter { $0.uuid != operation }.flatMap { other in
      var names = other.liveDisks.filter { $0.scratchDirectory == nil }.compactMap(\.scratchVolume)
      if case .create(let manifest, _, _, _) = other.operation, !other.isCopy {
        names += manifest.volumes.map(\.name)
      }
      return names
    }
    return Set(owners(in: catalog).flatMap { $0.volumes.map(\.name) } + made)
  }

  /// What needs a volume.
  struct VolumeUser {
    /// The same for people.
    var text: String
    /// Name of the volume, where it is one of the pool.
    var volume: String?
  }

  /// Finds what needs volumes of the pool: other images by their own words, and domains.
  ///
  /// - Parameters:
  ///   - volumes: The volumes.
  ///   - others: Volumes that may.
  /// - Returns: What needs each that something needs.
  /// - Throws: ``BackupError`` where an image does not tell what it stands on, or what libvirt
  ///   throws.
  private func users(
    of volumes: [String], besides others: Set<String>
  ) throws -> [String: VolumeUser] {
    let doomed = Dictionary(
      volumes.map { (hypervisor.resolved(repository.path(of: $0)), $0) },
      uniquingKeysWith: { first, _ in first })
    guard !doomed.isEmpty else { return [:] }
    var users: [String: VolumeUser] = [:]
    for (image, domain) in try hypervisor.domainImages(besides: nil) {
      if let volume = doomed[image] { users[volume] = VolumeUser(text: domain) }
    }
    let ignored = others.union(volumes)
    for other in try repository.volumeNames().sorted() where !ignored.contains(other) {
      for file in try files(namedBy: other) {
        let name = BackingName(file)
        var needed = name.paths(in: repository.directory).compactMap {
          doomed[hypervisor.resolved($0)]
        }
        // A description that is not understood: in doubt for the volume.
        if file.hasPrefix("json:") { needed += volumes.filter(file.contains) }
        for volume in needed where users[volume] == nil {
          users[volume] = VolumeUser(text: "volume '\(other)' as its backing file", volume: other)
        }
      }
    }
    return users
  }

  /// The files that a volume names as those it stands on.
  private func files(namedBy volume: String) throws -> [String] {
    do {
      guard try repository.isFile(volume) else { return [] }
      return try Qcow2Header.files(namedBy: { try repository.read(volume, offset: 0, length: $0) })
    } catch {
      // It may have gone meanwhile.
      guard try repository.contains(volume) else { return [] }
      throw BackupError(
        .failed,
        "volume '\(volume)' does not tell whether it stands on what is to be deleted: \(error)")
    }
  }
}
