// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The process that the engine runs in: a client, as others see it, and what it takes from its system.
package struct ClientProcess: Sendable {
  /// The state of the client that owns an operation, as far as it is known.
  package enum Liveness: Sendable {
    /// The client runs.
    case alive
    /// The client is provably gone.
    case dead
    /// The client was on another machine, in another container or before this machine was started.
    case unknown
  }

  /// This client.
  package var owner: Partial.Owner
  /// Finds out whether another client still runs.
  package var liveness: @Sendable (Partial.Owner) -> Liveness
  /// When this machine was started, in seconds since 1970-01-01T00:00:00Z; nil where that is not
  /// known.
  package var bootTime: Int64?
  /// Seconds since 1970-01-01T00:00:00Z.
  package var time: @Sendable () -> Int64
  /// Makes UUIDs, lower case.
  package var newUUID: @Sendable () -> String
  /// Stands still for so many milliseconds: only for what gives no event, as another client's write to
  /// the pool.
  package var pause: @Sendable (_ milliseconds: UInt32) -> Void

  /// Makes the description of a process.
  package init(
    owner: Partial.Owner, liveness: @escaping @Sendable (Partial.Owner) -> Liveness,
    bootTime: Int64? = nil,
    time: @escaping @Sendable () -> Int64, newUUID: @escaping @Sendable () -> String,
    pause: @escaping @Sendable (_ milliseconds: UInt32) -> Void = standStill(milliseconds:)
  ) {
    self.owner = owner
    self.liveness = liveness
    self.bootTime = bootTime
    self.time = time
    self.newUUID = newUUID
    self.pause = pause
  }
}

extension ClientProcess {
  /// Tells that an operation is of a libvirt.
  ///
  /// - Parameters:
  ///   - partial: The operation.
  ///   - host: The libvirt that is asked now.
  /// - Returns: False where it may be of another.
  package func isHere(_ partial: Partial, _ host: HostIdentity) -> Bool {
    var sharesProcesses: Bool?
    if let theirs = partial.owner.pidNamespace, let ours = owner.pidNamespace {
      sharesProcesses = theirs == ours
    }
    return partial.host.isSame(
      as: host, sharesProcesses: sharesProcesses,
      precedesBoot: bootTime.map { partial.creationTime < $0 })
  }
}
