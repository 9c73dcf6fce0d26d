// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// The jobs, nodes and bitmaps that an operation has in a QEMU, found by the digits in their names.
extension Monitor {
  /// The jobs of an operation.
  package func jobs(of partial: Partial) throws -> [JobInfo] {
    try jobs().filter { partial.id.owns($0.id) }
  }

  /// Ends mirrors that have copied everything: their sources do not change any more.
  ///
  /// - Parameters:
  ///   - jobs: The jobs of an operation.
  ///   - told: Those that were told before: one that is told again when it has just ended is
  ///     cancelled, and its copy counts for nothing.
  /// - Throws: `QMPError` or what libvirt throws.
  package func endMirrors(among jobs: [JobInfo], told: inout Set<String>) throws {
    for job in jobs where job.type == "mirror" && job.status == "ready" {
      guard told.insert(job.id).inserted else { continue }
      try execute(.endMirror(job.id))
    }
  }

  /// Ends jobs that are `pending` for good and waits until they are `concluded`.
  package func finalizeJobs(of partial: Partial) throws {
    while true {
      let open = try jobs(of: partial).filter { $0.status != "concluded" }
      if open.isEmpty { return }
      for job in open where job.status == "pending" {
        do {
          try execute(.jobFinalize(job.id))
        } catch is QMPError {
          // Another client was faster.
          continue
        }
      }
      if try jobs(of: partial).allSatisfy({ $0.status == "concluded" }) { return }
      _ = try nextEvent(timeoutMilliseconds: 200)
    }
  }

  /// Removes the operation's jobs from the list; one that is not there is fine.
  package func dismissJobs(of partial: Partial) throws {
    for job in try jobs(of: partial) {
      do {
        try execute(.jobDismiss(job.id))
      } catch let error as QMPError {
        guard try jobs(of: partial).contains(where: { $0.id == job.id }) else { continue }
        throw error
      }
    }
  }

  /// Closes a node; one that is not there is fine.
  ///
  /// - Throws: `QMPError` when the node is there and stays.
  package func close(_ node: String) throws {
    do {
      try execute(.blockdevDel(node))
    } catch let error as QMPError {
      guard try blockNodes().contains(where: { $0.nodeName == node }) else { return }
      throw error
    }
  }

  /// Removes bitmaps wherever they are.
  ///
  /// One on a node that cannot be written now stays: it harms nothing, since its name says what it
  /// is of, and goes when the node can be written.
  package func removeBitmaps(where isRemoved: (BitmapName) -> Bool) throws {
    try removeBitmaps { BitmapName(parsing: $0).map(isRemoved) ?? false }
  }

  /// The same for bitmaps by their names as QEMU has them.
  package func removeBitmaps(named isRemoved: (String) -> Bool) throws {
    for node in try blockNodes() where OperationID(parsing: node.nodeName) == nil {
      for name in (node.dirtyBitmaps ?? []).compactMap(\.name) {
        guard isRemoved(name) else { continue }
        do {
          try execute(.bitmapRemove(node: node.nodeName, name: name))
        } catch is QMPError {
          continue
        }
      }
    }
  }

  /// Gives up the sets of files that were handed over for operations.
  ///
  /// QEMU closes them only while the guest runs, so that those of a paused one stay until a later
  /// backup.
  package func removeDescriptorSets(where isRemoved: (OperationID) -> Bool) throws {
    for set in try descriptorSets() {
      let operations = set.files.compactMap(\.opaque).compactMap(OperationID.init(parsing:))
      guard operations.contains(where: isRemoved) else { continue }
      // Another client may have been faster.
      _ = try? execute(.removeFd(set: set.fdsetID))
    }
  }

  /// Ends what clients can reach of a session: exports, server, credentials.
  package func removeExports(of partial: Partial) throws {
    guard partial.session != nil else { return }
    let end = ContinuousClock.now + .seconds(Context.cancelLimit)
    while true {
      let exports = try exports().filter { partial.id.owns($0.id) }
      if exports.isEmpty { break }
      for export in exports where !export.isShuttingDown {
        // Another client may have been faster.
        _ = try? execute(.blockExportDel(export.id))
      }
      guard ContinuousClock.now < end else {
        throw BackupError(.busy, "the exports of session '\(partial.pointName)' do not end")
      }
      _ = try nextEvent(timeoutMilliseconds: 200)
    }
    let credentials = NodeNames.credentials(operation: partial.uuid)
    let hasCredentials = try objects().contains(credentials)
    let hasNodes = try blockNodes().contains { partial.id.owns($0.nodeName) }
    // The server has no name. It is ours if we opened anything here, and nobody else exports by it.
    if hasCredentials || hasNodes, try exports().isEmpty {
      _ = try? execute(.nbdServerStop)
    }
    if hasCredentials { try execute(.objectDel(credentials)) }
  }
}
