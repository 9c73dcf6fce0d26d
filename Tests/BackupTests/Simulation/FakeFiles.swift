// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import BackupCore

/// The files of a host, by their directories.
final class FakeFiles {
  /// A file that somebody has open: whatever becomes of its name, another never takes its place.
  struct Handle: Equatable {
    var directory: String
    var identity: Int
  }

  private(set) var directories: [String: FakeRepository] = [:]

  /// The files of a directory, which is made where it is not there.
  func directory(_ path: String) -> FakeRepository {
    if let known = directories[path] { return known }
    let made = FakeRepository(path, at: path)
    directories[path] = made
    return made
  }

  /// Takes a directory in that somebody has made.
  func add(_ directory: FakeRepository) { directories[directory.directory] = directory }

  subscript(path: String) -> [UInt8]? {
    get { directory(Paths.split(path).directory).contents[Paths.split(path).name] }
    set { directory(Paths.split(path).directory).contents[Paths.split(path).name] = newValue }
  }

  /// The paths of all files of a directory.
  func paths(in directory: String) -> [String] {
    self.directory(directory).contents.keys.sorted().map { "\(directory)/\($0)" }
  }

  func identity(of path: String) -> Int? {
    directory(Paths.split(path).directory).identities[Paths.split(path).name]
  }

  func rename(_ path: String, to newPath: String) {
    let (directory, name) = Paths.split(path)
    self.directory(directory).rename(name, to: Paths.split(newPath).name)
  }

  func open(_ path: String) -> Handle? {
    identity(of: path).map { Handle(directory: Paths.split(path).directory, identity: $0) }
  }

  func read(_ file: Handle) -> [UInt8]? { path(of: file).flatMap { self[$0] } }

  /// Writes a file that is open; one that was deleted meanwhile nobody finds.
  func write(_ content: [UInt8], to file: Handle) {
    if let path = path(of: file) { self[path] = content }
  }

  /// The path of a file that is open; nil where it was deleted.
  func path(of file: Handle) -> String? {
    directory(file.directory).identities.first { $0.value == file.identity }
      .map { "\(file.directory)/\($0.key)" }
  }
}
