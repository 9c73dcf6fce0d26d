// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc

/// A storage pool of a private libvirtd; each test makes its own and `remove`s it.
package struct Pool: Sendable {
  /// The daemon.
  package let libvirt: PrivateLibvirt
  /// The pool's name.
  package let name: String
  /// The pool's directory.
  package let directory: String
  private let mounted: Bool

  /// Makes a directory and a persistent pool on it.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon.
  ///   - name: The pool's name; a new one when nil.
  ///   - directory: An existing directory; a new one when nil.
  ///   - limit: The size in bytes of a file system in memory that holds the pool; root only.
  /// - Throws: `CommandError` when any of it fails.
  package init(
    _ libvirt: PrivateLibvirt, name: String? = nil, directory: String? = nil, limit: UInt64? = nil
  ) throws {
    self.libvirt = libvirt
    self.name = name ?? libvirt.uniqueName("pool")
    mounted = limit != nil
    if let limit {
      self.directory = "\(libvirt.directory)/mnt/\(self.name)"
      guard mkdir(self.directory, 0o755) == 0 else {
        throw CommandError("cannot make \(self.directory)")
      }
      try Command.run(
        "mount", ["-t", "tmpfs", "-o", "size=\(limit),mode=0755", "tmpfs", self.directory]
      ).expectSuccess()
      try libvirt.giveToDaemon(self.directory)
    } else {
      self.directory = try directory ?? libvirt.makeDirectory(self.name)
    }
    try libvirt.virsh("pool-define-as", self.name, "dir", "--target", self.directory)
    try libvirt.virsh("pool-start", self.name)
  }

  /// The files in the pool's directory, sorted, whether or not libvirt knows them.
  ///
  /// - Throws: When the directory cannot be read.
  package func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  /// The path of a file in the pool.
  package func path(_ file: String) -> String { "\(directory)/\(file)" }

  /// Makes libvirt look at the directory again.
  ///
  /// - Throws: `CommandError` when it cannot.
  package func refresh() throws { try libvirt.virsh("pool-refresh", name) }

  /// Stops and forgets the pool; its files stay.
  ///
  /// - Throws: `CommandError` when libvirt refuses.
  package func undefine() throws {
    try libvirt.virsh("pool-destroy", name)
    try libvirt.virsh("pool-undefine", name)
  }

  /// Stops and forgets the pool and deletes its files; what is gone already is no error.
  package func remove() {
    try? undefine()
    if mounted { _ = try? Command.run("umount", ["-l", directory]) }
    try? FileManager.default.removeItem(atPath: directory)
  }
}
