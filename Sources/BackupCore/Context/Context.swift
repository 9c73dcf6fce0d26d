// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The pool, the host and the client that every operation is made with.
package struct Context {
  /// Seconds a job may take to end after it was cancelled.
  package static let cancelLimit: Int64 = 10

  /// Seconds that making an image may take: it cannot be cancelled, and for an encrypted one QEMU
  /// spends some seconds of processor time, of which a busy host has little.
  package static let createLimit: Int64 = 120

  package let repository: any Repository
  package let hypervisor: any Hypervisor
  package let observer: any Observer
  package let process: ClientProcess
  /// Reads the pool.
  package let pool: PoolReader
  /// Writes down in the pool what is under way.
  package let journal: Journal

  /// Makes the context of one pool of one host.
  package init(
    repository: any Repository, hypervisor: any Hypervisor, observer: any Observer,
    process: ClientProcess
  ) {
    self.repository = repository
    self.hypervisor = hypervisor
    self.observer = observer
    self.process = process
    pool = PoolReader(repository, pause: process.pause)
    journal = Journal(pool: pool, hypervisor: hypervisor, observer: observer, process: process)
  }
}

extension Context {
  /// Throws an error on that concerns the whole command and not the one thing it came from: the user
  /// asked to stop, or libvirt does not answer any more.
  package func rethrowUnlessLocal(_ error: any Error) throws {
    if observer.isInterrupted { throw error }
    if let error = error as? BackupError, error.code == .interrupted { throw error }
    // Any question shows it: there is no such domain.
    _ = try hypervisor.domainName(uuid: process.newUUID())
  }

  /// Has the pool of a directory, if libvirt can look at it, know files that have new names.
  package func showFiles(in directory: String) throws {
    do {
      try hypervisor.repository(directory: directory).refresh()
    } catch {
      try rethrowUnlessLocal(error)
    }
  }
}
