// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// How a restore ends, by its own client or by one that settles.
extension Engine {
  /// Gives the files their names and defines the domain: the data is whole.
  func finishRestore(_ pending: Catalog.Pending) throws {
    guard let restore = pending.partial.restore else { return }
    let disks = restore.disks
    var directories: Set<String> = []
    for disk in disks where disk.temporaryPath != disk.path {
      directories.insert(RestorePlan.split(disk.path).directory)
      _ = try hypervisor.rename(disk.temporaryPath, to: disk.path)
    }
    for directory in directories { try hypervisor.repository(directory: directory).refresh() }
    if let definition = restore.definition {
      let uuid = try DomainDefinition(parsing: definition).uuid
      if try hypervisor.domainName(uuid: uuid) == nil {
        try restoreTPM(restore.tpm, to: uuid, of: pending)
        try hypervisor.define(definition)
      }
      try restoreAutostart(pending, uuid: uuid)
      startIfAsked(restore, uuid: uuid)
    }
    try forget(pending)
  }

  /// Takes back a restore whose data is not whole.
  ///
  /// - Throws: What libvirt throws; the next command goes on.
  func undoRestore(_ pending: Catalog.Pending) throws {
    guard let disks = pending.partial.restore?.disks,
      try repository.contains(pending.volume),
      try !repository.contains(pending.mark)
    else { return }
    try endHelper(of: pending.partial)
    let files = disks.enumerated().filter { !$0.element.isDevice }
      .map { (number: $0.offset, path: $0.element.temporaryPath) }
    if trusts(pending.partial) {
      try discard(files, of: pending, title: "the file")
    } else {
      for (_, path) in files {
        observer.notice("the file '\(path)' is not whole; it is left where it is")
      }
    }
    try forget(pending)
  }

  /// Deletes a file through the pool of its directory; a missing one is fine.
  func delete(_ path: String) throws {
    let (directory, name) = RestorePlan.split(path)
    let files = try hypervisor.repository(directory: directory)
    try files.refresh()
    try files.delete(name)
  }

  /// Finishes or undoes a restore whose client is gone.
  func settleRestore(_ pending: Catalog.Pending) throws -> Settlement {
    let partial = pending.partial
    if partial.restore?.isAsync == true, repository.isTrusted {
      return try settleAsyncRestore(pending)
    }
    if let name = partial.helper, process.liveness(partial.owner) != .dead,
      let helper = try hypervisor.guest(name: name),
      try !jobs(of: partial, in: helper.monitor).isEmpty
    {
      return .running
    }
    guard try isAbandoned(pending) else { return .running }
    if repository.isTrusted, try repository.contains(pending.mark), !canRename(partial) {
      return .running
    }
    if partial.isOverwrite { return try settleOverwrite(pending) }
    guard try repository.contains(pending.mark) else {
      try undoRestore(pending)
      return .undone
    }
    try endHelper(of: partial)
    if repository.isTrusted {
      try finishRestore(pending)
      return .finished
    }
    // Others can write to the pool: what it says is whole must not be moved and defined by us.
    try leaveRestore(pending)
    return .undone
  }

  /// Gives up a restore of a pool that others can write to, and touches nothing that it names.
  func leaveRestore(_ pending: Catalog.Pending) throws {
    guard let disks = pending.partial.restore?.disks else { return }
    for disk in disks {
      observer.notice(
        "the restore of '\(disk.path)' has not ended, and others can write to pool "
          + "'\(repository.name)'; what it made is left where it is")
    }
    try forget(pending)
  }
}
