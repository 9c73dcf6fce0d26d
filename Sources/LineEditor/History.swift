// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency private import CReadline
private import Glibc

/// The file in which lines outlive the session.
package struct History: Sendable {
  /// A directory that cannot be made.
  package struct DirectoryError: Error, Equatable {
    /// The directory.
    package var directory: String
    /// Why, in the system's words.
    package var reason: String
  }

  private let directory: String
  private let size: Int

  /// Describes a history.
  ///
  /// - Parameters:
  ///   - directory: The directory of the file, which is called `history`.
  ///   - size: How many lines it has at most.
  package init(directory: String, size: Int) {
    self.directory = directory
    self.size = size
  }

  private var path: String { "\(directory)/history" }

  /// Reads the file, if there is one, into readline's list.
  @MainActor
  func load() {
    using_history()
    stifle_history(Int32(clamping: size))
    read_history(path)
  }

  /// Writes readline's list to the file, and makes its directory.
  ///
  /// - Throws: ``DirectoryError``. A file that cannot be written is no error, as in virsh.
  @MainActor
  func save() throws(DirectoryError) {
    var made = ""
    for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
      made += "\(part)/"
      guard mkdir(made, 0o755) != 0, errno != EEXIST, access(made, F_OK) != 0 else { continue }
      throw DirectoryError(directory: directory, reason: String(cString: strerror(errno)))
    }
    write_history(path)
  }
}
