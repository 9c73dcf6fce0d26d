// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// The state of a restore that is under way, as a client finds it.
enum RestoreState {
  /// Somebody is at it: its client, or a QEMU that copies.
  case running
  /// Its data is whole, and the files can get their names only on its host, by who may write to this
  /// directory.
  case elsewhere(directory: String)
  /// No client waits for it, and all is copied, or never will be: who makes the claim ends it. The
  /// helper domain is nil where it has ended.
  case unattended(helper: (any Guest)?)
  /// Its client is gone, and not all of its data is whole.
  case incomplete
  /// Its client is gone, and all of its data is whole.
  case whole
  /// Its client is gone, and a domain is to get its disks, or has them: the domain's definition says
  /// which.
  case overwriting
  /// Its client is gone, and what the pool says of it anybody may have written.
  case untrusted
}

extension Restore {
  /// Reads how far a restore is: from its partial, its marks and claims, its helper domain and its jobs.
  func state(of pending: Catalog.Pending) throws -> RestoreState {
    let partial = pending.partial
    if partial.restore?.isAsync == true, repository.isTrusted {
      return try stateWithoutClient(pending)
    }
    if let name = partial.helper, process.liveness(partial.owner) != .dead,
      let helper = try hypervisor.guest(name: name),
      try !helper.monitor.jobs(of: partial).isEmpty
    {
      return .running
    }
    guard try journal.isAbandoned(pending) else { return .running }
    let isWhole = try repository.contains(pending.mark)
    if isWhole, repository.isTrusted, let directory = fixedDirectory(of: partial) {
      return .elsewhere(directory: directory)
    }
    guard !partial.isOverwrite else {
      return try isWhole && isSwitching(pending) ? .running : .overwriting
    }
    guard isWhole else { return .incomplete }
    return repository.isTrusted ? .whole : .untrusted
  }

  /// Reads how far a restore is that goes on without its client, by its jobs.
  private func stateWithoutClient(_ pending: Catalog.Pending) throws -> RestoreState {
    let partial = pending.partial
    let helper = try context.guest(of: partial)
    // The jobs first, then the claim: whoever ends it claims that before the first job goes.
    let jobs =
      try helper.flatMap { helper in
        try context.unlessEnded(partial) { try helper.monitor.jobs(of: partial) }
      } ?? []
    if try !repository.contains(pending.mark) {
      switch JobsState(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
      case .running:
        guard jobs.allSatisfy(\.hasCopied) else { return .running }
      case .missing:
        // Its client may be about to start them.
        guard try repository.contains(pending.claim(1)) || journal.isAbandoned(pending) else {
          return .running
        }
        return .unattended(helper: helper)
      case .failed: return .unattended(helper: helper)
      case .ready: break
      }
    }
    if let directory = fixedDirectory(of: partial) { return .elsewhere(directory: directory) }
    return .unattended(helper: helper)
  }

  /// A directory in which this client cannot give the files of a restore their names; nil for none.
  func fixedDirectory(of partial: Partial) -> String? {
    (partial.restore?.disks ?? []).lazy.filter { $0.temporaryPath != $0.path }
      .map { Paths.split($0.path).directory }.first { !hypervisor.canRename(in: $0) }
  }

  /// Says who can end a restore whose data is whole.
  func tellFixed(_ partial: Partial, _ directory: String) {
    observer.notice(
      "\(partial.title) can be ended only on its host, by who may write to '\(directory)'")
  }

  /// Tells that a client of which nothing is known may be about to redefine the domain.
  private func isSwitching(_ pending: Catalog.Pending) throws -> Bool {
    let owner = pending.partial.owner
    guard owner != process.owner, process.liveness(owner) == .unknown else { return false }
    return try repository.age(of: pending.mark) <= Journal.setupLimit
  }
}

extension JobInfo {
  /// True once a mirror has copied all there was.
  fileprivate var hasCopied: Bool { ["ready", "waiting", "pending", "concluded"].contains(status) }
}
