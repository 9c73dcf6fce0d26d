// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

@testable import BackupCore

/// A host with one domain, which runs, and the pool.
final class FakeHost: Hypervisor {
  private struct Unexpected: Error {
    var call: String
  }

  let pool: any Repository
  let definition: String
  let domainUUID: String
  let qemu: any Monitor
  /// The helper domain that runs, whatever its name; nil for none.
  var helper: (any Guest)?

  init(pool: any Repository, definition: String, domainUUID: String, qemu: any Monitor) {
    self.pool = pool
    self.definition = definition
    self.domainUUID = domainUUID
    self.qemu = qemu
  }

  func host() -> HostIdentity { HostIdentity(uuid: World.makeUUID(0x405)) }
  func guest(uuid: String) -> (any Guest)? {
    uuid == domainUUID ? FakeGuest(definition: definition, monitor: qemu) : nil
  }
  func guest(name: String) -> (any Guest)? { helper }
  func helperDomains() -> [(name: String, definition: String)] { [] }
  func startHelper(
    _ definition: String, name: String, outlivesClient: Bool
  ) throws -> any Guest { throw Unexpected(call: #function) }
  func note(helper name: String) {}
  func define(_ definition: String) throws { throw Unexpected(call: #function) }
  func refusal(of definition: String) -> String? { nil }
  func forgetTrials() {}
  func undefine(uuid: String) throws { throw Unexpected(call: #function) }
  func start(uuid: String, paused: Bool) throws { throw Unexpected(call: #function) }
  func repository(directory: String) throws -> any Repository {
    guard directory == pool.directory else { throw Unexpected(call: directory) }
    return pool
  }
  func makeDirectory(_ path: String) throws { throw Unexpected(call: #function) }
  func nvramPath(of definition: String, _ parsed: DomainDefinition) -> String? { nil }
  func tpmDirectory(uuid: String) -> String? { nil }
  func managedSavePath(name: String) -> String? { nil }
  func open(_ path: String, forWriting: Bool) -> Int32? { nil }
  func openDevice(_ path: String, forWriting: Bool) -> Int32? { nil }
  func isTaken(_ path: String) -> Bool { false }
  func isGone(_ directory: String) -> Bool { false }
  func sees(_ path: String) -> Bool { true }
  func identity(of path: String) -> String? { nil }
  func imageOwner(ofDomainType type: String) -> FileOwner? { nil }
  func rename(_ path: String, to newPath: String) throws -> Bool {
    throw Unexpected(call: #function)
  }
  func canRename(in directory: String) -> Bool { true }
  func poolDirectory(name: String) -> String { pool.directory }
  func inactiveDefinition(uuid: String) -> String? { uuid == domainUUID ? definition : nil }
  func domainName(uuid: String) -> String? { uuid == domainUUID ? "web1" : nil }
  func domainUUID(name: String) -> String? { nil }
  func secret(_ reference: BackupDefinition.SecretReference) throws -> [UInt8] {
    throw Unexpected(call: #function)
  }
  func repositories() -> [any Repository] { [pool] }
  func guardGuest(
    uuid: String, isSuspended: Bool, frozenMark: String?
  ) throws -> any Guardian { throw Unexpected(call: #function) }

  func domains() -> [RegisteredDomain] {
    [RegisteredDomain(name: "web1", uuid: domainUUID, definitions: [definition])]
  }
  func isActive(uuid: String) -> Bool { uuid == domainUUID }
  func hasManagedSaveImage(uuid: String) -> Bool { false }
  func savedInstants(uuid: String) -> [String] { [] }
  func isAutostart(uuid: String) -> Bool? { nil }
  func setAutostart(uuid: String, _ isAutostart: Bool) throws { throw Unexpected(call: #function) }
  func backingFile(of path: String) -> String? { nil }
  func backingFiles(in directory: String) -> [(volume: String, file: String)] { [] }
  func resolved(_ path: String) -> String { path }
  func deviceSize(_ path: String) -> UInt64? { nil }
  func isTakenDevice(_ path: String) -> Bool { false }
}

/// The domain of a ``FakeHost`` while it runs.
final class FakeGuest: QuietGuest {
  private let text: String
  let monitor: any Monitor
  private let whenDestroyed: () -> Void

  init(
    definition: String, monitor: any Monitor, whenDestroyed: @escaping () -> Void = {}
  ) {
    text = definition
    self.monitor = monitor
    self.whenDestroyed = whenDestroyed
  }

  func definition() -> String { text }
  func inactiveDefinition() -> String? { text }
  func destroy() { whenDestroyed() }
  func hasEnded() -> Bool { false }
}

/// Hears what a client tells.
final class FakeObserver: Observer {
  private(set) var notices: [String] = []
  var isInterrupted: Bool { false }
  func progress(_ disks: [DiskProgress]) {}
  func notice(_ text: String) { notices.append(text) }
}
