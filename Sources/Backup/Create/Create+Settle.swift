// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Create {
  func settleCreate(
    _ pending: Catalog.Pending, _ manifest: Manifest
  ) throws -> Settlement {
    let partial = pending.partial
    let guest = try context.guest(of: partial)
    // The jobs first, then the manifest: a client that publishes writes the manifest before it
    // takes the first job off the list.
    let jobs = try guest.map { try $0.monitor.jobs(of: partial) } ?? []
    if try isWhole(pending, manifest) {
      if let guest { try context.takeDown(partial, guest: guest) }
      try finish(pending, manifest: manifest, guest: guest)
      return .finished
    }
    switch try decision(of: pending) {
    case .publish:
      try publishDecided(pending, guest: guest)
      return .finished
    case .undo: return try undoCreate(pending, guest: guest)
    case nil: break
    }
    switch JobsState(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
    case .running:
      return try context.leaveRunning(pending)
    case .ready:
      guard let guest else { return .running }
      do {
        try publish(pending, guest: guest)
      } catch let error as BackupError where [.failed, .busy].contains(error.code) {
        guard try !isWhole(pending, manifest) else {
          guard error.code == .busy else { throw error }
          return .finished
        }
        let decision = try decision(of: pending)
        guard error.code == .failed || decision == .undo else { throw error }
        if decision == nil {
          observer.notice("backup '\(partial.pointName)' is undone: \(error)")
        }
        return try undoCreate(pending, guest: guest)
      }
      return .finished
    case .failed:
      return try undoCreate(pending, guest: guest)
    case .missing:
      guard try journal.isAbandoned(pending) else { return try context.leaveRunning(pending) }
      return try undoCreate(pending, guest: guest)
    }
  }
}
