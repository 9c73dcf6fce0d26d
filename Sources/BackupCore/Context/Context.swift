// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

/// The pool, the host and the client that every operation is made with.
package final class Context {
  /// What is known of the client that owns an operation.
  package enum Liveness: Sendable {
    /// It runs.
    case alive
    /// It is provably gone.
    case dead
    /// It was on another machine, in another container or before this machine was started.
    case unknown
  }

  /// What the engine takes from the process it runs in.
  package struct Process: Sendable {
    /// This client.
    package var owner: Partial.Owner
    /// Whether another client still runs.
    package var liveness: @Sendable (Partial.Owner) -> Liveness
    /// When this machine was started, in seconds since 1970-01-01T00:00:00Z; nil where that is not
    /// known.
    package var bootTime: Int64?
    /// Seconds since 1970-01-01T00:00:00Z.
    package var time: @Sendable () -> Int64
    /// Makes UUIDs, lower case.
    package var newUUID: @Sendable () -> String
    /// Stands still for so many milliseconds.
    package var pause: @Sendable (UInt32) -> Void

    /// Makes the description of a process.
    package init(
      owner: Partial.Owner, liveness: @escaping @Sendable (Partial.Owner) -> Liveness,
      bootTime: Int64? = nil,
      time: @escaping @Sendable () -> Int64, newUUID: @escaping @Sendable () -> String,
      pause: @escaping @Sendable (UInt32) -> Void = standStill(milliseconds:)
    ) {
      self.owner = owner
      self.liveness = liveness
      self.bootTime = bootTime
      self.time = time
      self.newUUID = newUUID
      self.pause = pause
    }
  }

  /// Seconds after which an operation without jobs is given up, whoever owns it.
  package static let setupLimit: Int64 = 120

  /// Seconds a job may take to end after it was cancelled.
  package static let cancelLimit: Int64 = 10

  /// Seconds that making an image may take: it cannot be cancelled, and for an encrypted one QEMU
  /// spends some seconds of processor time, of which a busy host has little.
  package static let createLimit: Int64 = 120

  package let repository: any Repository
  package let hypervisor: any Hypervisor
  package let observer: any Observer
  package let process: Process
  /// Reads the documents of the pool.
  let documents = DocumentReader()
  private var hasRefreshed = false
  private var knownManifests: [String: Manifest] = [:]
  /// The pool as this client saw it last.
  package private(set) var lastCatalog: Catalog?
  /// Files outside of the pool that this client made.
  package var made: Set<String> = []
  /// The partials that this client wrote for operations that it began, by their UUIDs.
  private var begun: [String: Partial] = [:]
  /// The operations of which this client has told that they cannot be settled, by their UUIDs.
  private var toldUnsettled: Set<String> = []

  /// Makes the context of one pool of one host.
  package init(
    repository: any Repository, hypervisor: any Hypervisor, observer: any Observer,
    process: Process
  ) {
    self.repository = repository
    self.hypervisor = hypervisor
    self.observer = observer
    self.process = process
  }

  /// Stands still for a moment.
  ///
  /// Only for what gives no event: another client's write to the pool.
  package func pause(milliseconds: UInt32) { process.pause(milliseconds) }

  /// Remembers an operation that this client begins.
  package func note(_ partial: Partial) { begun[partial.uuid] = partial }

  /// Takes note that an operation cannot be settled.
  ///
  /// - Returns: Whether that is news.
  package func noteUnsettled(_ partial: Partial) -> Bool {
    toldUnsettled.insert(partial.uuid).inserted
  }

  /// True if the partial of an operation may name what is deleted outside of the pool.
  ///
  /// A pool into which nobody but its owner can put files is trusted, and so is the very partial that this
  /// client wrote.
  package func trusts(_ partial: Partial) -> Bool {
    repository.isTrusted || begun[partial.uuid] == partial
  }

  /// Reads a manifest again the next time: it was rewritten.
  package func forgetManifest(in volume: String) { knownManifests[volume] = nil }

  /// Reads manifests again the next time: others may have rewritten them.
  package func forgetManifests(where isForgotten: (Manifest) -> Bool) {
    knownManifests = knownManifests.filter { !isForgotten($0.value) }
  }

  /// Reads the pool.
  ///
  /// Where it cannot be read past libvirt, the pool looks what others put into it, the first time and
  /// whenever asked; what goes through the same libvirt it knows anyway. A manifest is read once.
  package func catalog(refresh: Bool = false) throws -> Catalog {
    let catalog = try Catalog(
      of: repository, refresh: (refresh || !hasRefreshed) && !repository.isReadDirectly,
      known: knownManifests, documents: documents)
    hasRefreshed = true
    lastCatalog = catalog
    knownManifests = Dictionary(
      catalog.points.map { ($0.manifestVolume, $0.manifest) }, uniquingKeysWith: { $1 })
    return catalog
  }
}
