// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// Files outside of the pool that an operation made, and how whoever undoes it knows that they are
/// still these: a name is no proof, since somebody may have put another file there meanwhile.
extension Journal {
  /// Notes that this client made a file for an operation.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - number: Its number in the operation.
  ///   - pending: The operation.
  /// - Throws: What libvirt throws.
  package func noteMade(_ path: String, _ number: Int, of pending: Catalog.Pending) throws {
    made.insert(path)
    if !carriesDigits(path, of: pending.partial) { try noteIdentity(of: path, number, pending) }
  }

  /// Remembers that a file is this client's: it made it, or gave it the name.
  package func noteMade(_ path: String) { made.insert(path) }

  /// Notes what tells a file, before it gets a name that another could have; what is noted stays.
  package func noteIdentity(of path: String, _ number: Int, _ pending: Catalog.Pending) throws {
    guard let identity = hypervisor.identity(of: path),
      try notedIdentity(number, of: pending) == nil
    else { return }
    let note = pending.made(number)
    do {
      if try repository.contains(note) {
        try repository.replace(note, Array(identity.utf8))
      } else {
        try repository.write(note, Array(identity.utf8))
      }
    } catch let error as BackupError where error.code == .exists {
      // Another client that goes on with the same was faster.
    }
  }

  /// The note of a file's identity; nil where there is none, or its client was killed before it wrote it.
  private func notedIdentity(_ number: Int, of pending: Catalog.Pending) throws -> [UInt8]? {
    let note = pending.made(number)
    guard let noted = try repository.readIfThere(note, length: 256) else { return nil }
    // libvirt makes a volume of zeroes.
    return noted.contains { $0 != 0 } ? noted : nil
  }

  /// Deletes files that an operation made and did not finish; missing ones are fine.
  ///
  /// What something uses, or what could be another's by now, is left and told.
  ///
  /// - Parameters:
  ///   - files: Their paths, with their numbers in the operation.
  ///   - pending: The operation.
  ///   - title: What they are, for people.
  /// - Throws: ``BackupError`` or what libvirt throws where a file cannot be deleted: the next command
  ///   tries again.
  package func discard(
    _ files: [(number: Int, path: String)], of pending: Catalog.Pending, title: String
  ) throws {
    guard !files.isEmpty else { return }
    var files = files
    for (_, path) in files where hypervisor.isGone(Paths.split(path).directory) {
      observer.notice("\(title) '\(path)' is not deleted: its directory is gone")
    }
    files.removeAll { hypervisor.isGone(Paths.split($0.path).directory) }
    let users = try hypervisor.imageUsers(of: files.map(\.path))
    for (number, path) in files {
      if let user = users[path] {
        observer.notice("the file '\(path)' is kept: it is used by \(user)")
        continue
      }
      // The search takes its time: another client may have ended it, and a new one have the name.
      guard try isUnderWay(pending) else { return }
      guard try isOurs(path, number, of: pending) else {
        observer.notice(
          "\(title) '\(path)' is not whole; it is left where it is, since nothing proves that it "
            + "is not another's by now")
        continue
      }
      try hypervisor.delete(path)
    }
  }

  /// Whether a file is the one that an operation made, or one whose loss would be none.
  private func isOurs(_ path: String, _ number: Int, of pending: Catalog.Pending) throws -> Bool {
    if carriesDigits(path, of: pending.partial) { return true }
    if let identity = hypervisor.identity(of: path),
      let noted = try notedIdentity(number, of: pending)
    {
      return try noted == Array(identity.utf8) || isEmpty(path)
    }
    return try made.contains(path) || isEmpty(path)
  }

  /// Whether nobody else would have given a file that name.
  private func carriesDigits(_ path: String, of partial: Partial) -> Bool {
    path.hasSuffix(partial.id.temporarySuffix)
  }

  /// Whether a file is not there, or an image without any data.
  private func isEmpty(_ path: String) throws -> Bool {
    let (directory, name) = Paths.split(path)
    let files = try hypervisor.repository(directory: directory)
    guard try files.contains(name) else { return true }
    guard try files.isFile(name) else { return false }
    let length = try files.length(of: name)
    // A head that is no image's is data.
    let tables = try? Qcow2Tables(length: length, readsAll: true) {
      try files.read(name, offset: $0, length: $1)
    }
    if let tables {
      let header = try? Qcow2Header(
        parsing: try files.read(name, offset: 0, length: Qcow2Header.length))
      return tables.clusters == 0 && header?.backingFile == nil && header?.hasDataFile == false
    }
    return try files.allocation(of: name) == 0
  }

  /// Forgets what was noted of files.
  package func forgetMade(_ pending: Catalog.Pending) throws {
    for number in pending.partial.diskNames.indices {
      let note = pending.made(number)
      if try repository.contains(note) { try repository.delete(note) }
    }
  }
}
