// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The volumes of one storage pool.
///
/// A libvirt pool is one; the tests have another.
package protocol Repository: VolumeProofs {
  /// The pool's name.
  var name: String { get }
  /// Absolute path of the pool's directory on the hypervisor.
  var directory: String { get }
  /// False when others than its owner can put things into it.
  var isTrusted: Bool { get }

  /// Whether names and contents are read past libvirt, so that what others put there is seen without
  /// a refresh.
  var isReadDirectly: Bool { get }

  /// Makes the pool see what others put into it (`virStoragePoolRefresh`).
  ///
  /// libvirt stops a pool where that fails: one file that it cannot look at is enough. So it is tried
  /// first on a pool of our own.
  ///
  /// - Throws: ``BackupError`` where libvirt cannot look at something in the directory; the pool is as
  ///   it was then.
  func refresh() throws
  /// Names of all volumes (`virStoragePoolListAllVolumes`).
  func volumeNames() throws -> [String]
  /// Whether there is a volume of that name.
  func contains(_ volume: String) throws -> Bool
  /// Whether a volume is a regular file, not a link to one, as far as that can be seen; false where
  /// it is not there.
  func isFile(_ volume: String) throws -> Bool
  /// Whether links can be told from regular files.
  var seesLinks: Bool { get }
  /// Bytes of a volume's file, from its start to its end.
  func length(of volume: String) throws -> UInt64
  /// Makes a volume (`virStorageVolCreateXML`).
  ///
  /// - Throws: ``BackupError`` with code `exists` when the name is taken.
  func create(_ volume: VolumeSpecification) throws
  /// Deletes a volume; a missing one is fine (`virStorageVolDelete`).
  func delete(_ volume: String) throws
  /// Reads a part of a volume, less where it ends before (`virStorageVolDownload`).
  func read(_ volume: String, offset: UInt64, length: UInt64) throws -> [UInt8]
  /// Makes a raw volume with that content, mode 0600 (`virStorageVolUpload`).
  ///
  /// On this machine it is on disk when this returns.
  ///
  /// - Parameters:
  ///   - volume: Its name.
  ///   - content: Its content.
  ///   - confirm: Is asked when all that could fail is done and the content is not to be seen yet; what
  ///     it throws ends the attempt.
  /// - Throws: ``BackupError`` with code `exists` when the name is taken, also where another client
  ///   took the volume for abandoned and wrote it, or `busy` where another deleted it; no volume of
  ///   ours is left then.
  func write(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws
  /// Gives a volume that ``write(_:_:)`` made another content.
  ///
  /// On this machine the volume has the one or the other at every moment, also after a power cut.
  /// Elsewhere the new content is written over the old one and filled up with line ends: what was in
  /// it has to be somewhere else too.
  ///
  /// - Parameters:
  ///   - volume: The volume.
  ///   - content: Its new content.
  ///   - confirm: Is asked when all that could fail is done; what it throws ends the attempt. On this
  ///     machine the volume is replaced only if it is still the one that was there before it was
  ///     asked.
  /// - Throws: ``BackupError`` with code `exists` where another client replaced it meanwhile, or
  ///   `busy` where another deleted it.
  func replace(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws
  /// The same, whatever is there.
  func replace(_ volume: String, _ content: [UInt8]) throws
  /// Has the names of volumes, made and deleted, reach the disk, and the contents of some of them;
  /// what is on another machine is as safe as that makes it (`fsync`).
  ///
  /// - Throws: ``BackupError`` where that fails.
  func synchronize(_ volumes: [String]) throws
  /// Absolute path of a volume on the hypervisor.
  func path(of volume: String) -> String
  /// Bytes a volume occupies (`virStorageVolGetInfo`).
  func allocation(of volume: String) throws -> UInt64
  /// Whom a volume belongs to.
  func owner(of volume: String) throws -> FileOwner
  /// Bytes free in the pool (`virStoragePoolGetInfo`).
  func available() throws -> UInt64
  /// Seconds since the volume was last written, by the pool's own clock.
  func age(of volume: String) throws -> Int64
}

extension Repository {
  /// Makes a raw volume with that content, as ``write(_:_:confirm:)``.
  package func write(_ volume: String, _ content: [UInt8]) throws {
    try write(volume, content) {}
  }

  /// Reads the beginning of a volume that another client may delete at any time.
  ///
  /// - Parameters:
  ///   - volume: Its name.
  ///   - length: Bytes to read, at most.
  /// - Returns: The bytes; nil where there is no such volume, or none any more.
  /// - Throws: What libvirt throws where it is there and cannot be read.
  package func readIfThere(_ volume: String, length: UInt64) throws -> [UInt8]? {
    guard try contains(volume) else { return nil }
    do {
      return try read(volume, offset: 0, length: length)
    } catch {
      guard try !contains(volume) else { throw error }
      return nil
    }
  }

  /// Makes the pool see what others put into it, where names are not read past it anyway.
  package func look() throws {
    if !isReadDirectly { try refresh() }
  }
}

/// A volume to make.
package struct VolumeSpecification: Sendable, Equatable {
  /// Its name.
  package var name: String
  /// `qcow2` (always compat 1.1) or `raw`.
  package var format: String
  /// Bytes the guest will see.
  package var capacity: UInt64
  /// Name of the volume in the same pool it stands on, or absolute path of one elsewhere.
  package var backing: String?
  /// The QEMU that is to write it; nil leaves that to the pool.
  package var owner: FileOwner?
  /// Its SELinux label; nil where there is none.
  package var label: String?

  /// Makes the description of a volume.
  package init(
    name: String, format: String, capacity: UInt64, backing: String? = nil,
    owner: FileOwner? = nil, label: String? = nil
  ) {
    self.name = name
    self.format = format
    self.capacity = capacity
    self.backing = backing
    self.owner = owner
    self.label = label
  }
}
