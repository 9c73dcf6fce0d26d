// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// Lets a client find what another one decided.
extension Journal {
  /// Reads a decision from the volume that tells it by its length.
  ///
  /// - Parameter volume: The volume's name.
  /// - Returns: The length in bytes, 0 where the client that made it died before it had one; nil where
  ///   there is no such volume.
  /// - Throws: The repository's error where the length cannot be found out.
  package func decidingLength(of volume: String) throws -> UInt64? {
    // libvirt makes a file and gives it its length right after that.
    for _ in 0..<20 {
      guard try repository.contains(volume) else { return nil }
      do {
        let length = try repository.length(of: volume)
        if length > 0 { return length }
      } catch {
        // The client that is done takes it away.
        guard try !repository.contains(volume) else { throw error }
        return nil
      }
      process.pause(50)
    }
    return 0
  }
}

/// Names can be given again: to what is deleted by name somebody else may have come meanwhile.
extension Journal {
  /// The name of a partial is that of one operation at a time.
  enum NameHolder {
    /// The operation itself has it.
    case own
    /// No operation has it.
    case nobody
    /// Another operation has it.
    case other
  }

  /// Finds the operation that has the name of an operation's partial by now.
  ///
  /// - Throws: When that cannot be found out.
  func holder(of pending: Catalog.Pending) throws -> NameHolder {
    guard let text = try Catalog.textIfThere(pending.volume, in: repository) else {
      return .nobody
    }
    // One that is not whole is being written, and ours was.
    return (try? pool.documents.partial(saying: text, in: pending.volume))?.uuid
      == pending.partial.uuid
      ? .own : .other
  }

  /// An operation under way is written down as it was: no other client has ended it, after which
  /// another one may have come to its name.
  ///
  /// Callers ask before they delete anything by a name that a later operation could have too.
  ///
  /// - Throws: What libvirt throws where that cannot be found out.
  package func isUnderWay(_ pending: Catalog.Pending) throws -> Bool {
    try holder(of: pending) == .own
  }

  /// Refuses to go on with an operation that another client has ended.
  ///
  /// - Throws: ``BackupError`` with code `busy`.
  package func requireUnderWay(_ pending: Catalog.Pending) throws {
    guard try !isUnderWay(pending) else { return }
    throw BackupError(.busy, "another client ended \(pending.partial.title)")
  }

  /// Tells that nobody will go on with an operation that has no jobs.
  package func isAbandoned(_ pending: Catalog.Pending) throws -> Bool {
    if pending.partial.owner == process.owner { return true }
    switch process.liveness(pending.partial.owner) {
    case .dead: return true
    // However long it takes.
    case .alive: return false
    case .unknown: break
    }
    return try repository.age(of: pending.volume) > Journal.setupLimit
  }

  /// Tells that what an operation made can still be deleted by name.
  ///
  /// A client that sets up goes on for a moment after others undid the create: what it makes then is
  /// its own, as long as no other point of that name exists or begins.
  ///
  /// - Throws: When that cannot be found out.
  package func mayDelete(byNamesOf pending: Catalog.Pending) throws -> Bool {
    switch try holder(of: pending) {
    case .own: return true
    case .other: return false
    case .nobody: break
    }
    guard case .create(let manifest, _, _, _) = pending.partial.operation, !pending.partial.isCopy
    else { return false }
    let volume = manifest.volumeNames.manifest
    guard let text = try Catalog.textIfThere(volume, in: repository) else { return true }
    return (try? pool.documents.manifest(saying: text, in: volume)) == nil
  }

  /// Deletes the partial of an operation, unless it is another's by now.
  func deletePartial(of pending: Catalog.Pending) throws {
    guard try isUnderWay(pending) else { return }
    try repository.delete(pending.volume)
  }
}
