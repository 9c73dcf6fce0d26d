// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

@testable import BackupCore

/// A client was killed: nothing that it calls does anything any more.
struct Killed: Error {}

/// A ``FakeMachine`` as one client has it: each call that could be seen by others is a step, which
/// throws where the client is dead.
final class MachineHost: Hypervisor {
  private let machine: FakeMachine
  private let client: Int
  private let step: (Step) throws -> Void

  init(_ machine: FakeMachine, client: Int, step: @escaping (Step) throws -> Void) {
    self.machine = machine
    self.client = client
    self.step = step
  }

  /// Takes a step, and tells whether the client lives.
  private var isAlive: Bool { (try? step(.look())) != nil }

  // MARK: - Domains

  func host() -> HostIdentity { HostIdentity(uuid: World.makeUUID(0x405)) }
  func guest(uuid: String) throws -> (any Guest)? {
    try step(.look())
    return machine.domains[uuid]?.running.map { _ in MachineDomain(uuid, of: machine, step: step) }
  }
  func guest(name: String) throws -> (any Guest)? {
    try step(.look())
    return machine.helpers[name].map { _ in MachineHelper(name, of: machine, step: step) }
  }
  func helperDomains() throws -> [(name: String, definition: String)] {
    try step(.look())
    return machine.helpers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.definition) }
  }
  func startHelper(
    _ definition: String, name: String, outlivesClient: Bool
  ) throws -> any Guest {
    try step(.change)
    try machine.startHelper(definition, name: name, client: outlivesClient ? nil : client)
    return MachineHelper(name, of: machine, step: step)
  }
  func note(helper name: String) {}
  func define(_ definition: String) throws {
    try step(.change)
    try machine.define(definition)
  }
  func refusal(of definition: String) -> String? { nil }
  func forgetTrials() {}
  func undefine(uuid: String) throws {
    try step(.change)
    machine.undefine(uuid)
  }
  func start(uuid: String, paused: Bool) throws {
    try step(.change)
    try machine.start(uuid)
  }
  func inactiveDefinition(uuid: String) throws -> String? {
    try step(.look())
    return machine.domains[uuid].flatMap { $0.isDefined ? $0.text : nil }
  }
  func domainName(uuid: String) throws -> String? {
    try step(.look())
    return machine.domains[uuid]?.name
  }
  func domainUUID(name: String) throws -> String? {
    try step(.look())
    return machine.domains.first { $0.value.name == name }?.key
  }
  func domains() throws -> [RegisteredDomain] {
    try step(.look())
    return machine.domains.map {
      RegisteredDomain(name: $0.value.name, uuid: $0.key, definitions: [$0.value.text])
    }
  }
  func isActive(uuid: String) throws -> Bool {
    try step(.look())
    return machine.domains[uuid]?.running != nil
  }
  func hasManagedSaveImage(uuid: String) -> Bool { false }
  func savedInstants(uuid: String) -> [String] { machine.domains[uuid]?.instants ?? [] }
  func isAutostart(uuid: String) -> Bool? { machine.domains[uuid]?.isAutostart }
  func setAutostart(uuid: String, _ isAutostart: Bool) throws {
    try step(.change)
    machine.domains[uuid]?.isAutostart = isAutostart
  }

  // MARK: - Files

  func repository(directory: String) throws -> any Repository {
    SteppedRepository(machine.files.directory(directory), step: step)
  }
  func makeDirectory(_ path: String) throws { try step(.change) }
  func nvramPath(of definition: String, _ parsed: DomainDefinition) -> String? {
    parsed.nvram?.path
  }
  func tpmDirectory(uuid: String) -> String? { "/tpm/\(uuid)" }
  func managedSavePath(name: String) -> String? { nil }
  func open(_ path: String, forWriting: Bool) -> Int32? { nil }
  func openDevice(_ path: String, forWriting: Bool) -> Int32? { nil }
  func isTaken(_ path: String) -> Bool { isAlive && machine.files[path] != nil }
  func isGone(_ directory: String) -> Bool { false }
  func sees(_ path: String) -> Bool { true }
  func identity(of path: String) -> String? {
    isAlive ? machine.files.identity(of: path).map { "file \($0)" } : nil
  }
  func imageOwner(ofDomainType type: String) -> FileOwner? { nil }
  func rename(_ path: String, to newPath: String) throws -> Bool {
    try step(.change)
    guard machine.files[path] != nil else { return false }
    guard machine.files[newPath] == nil else {
      throw BackupError(.exists, "file '\(newPath)' exists")
    }
    machine.files.rename(path, to: newPath)
    return true
  }
  func canRename(in directory: String) -> Bool { !machine.unrenamable.contains(directory) }
  func poolDirectory(name: String) throws -> String {
    guard name == machine.pool.name else { throw BackupError(.notFound, "no pool '\(name)'") }
    return machine.pool.directory
  }
  func repositories() -> [any Repository] { [SteppedRepository(machine.pool, step: step)] }
  func backingFile(of path: String) -> String? { nil }
  func backingFiles(in directory: String) throws -> [(volume: String, file: String)] {
    try step(.look())
    return []
  }
  func resolved(_ path: String) -> String { path }
  func deviceSize(_ path: String) -> UInt64? { nil }
  func isTakenDevice(_ path: String) -> Bool { false }

  // MARK: - What no test needs

  func secret(_ reference: BackupDefinition.SecretReference) throws -> [UInt8] {
    throw FakeMachine.Refusal(description: "no secret")
  }
  func guardGuest(
    uuid: String, isSuspended: Bool, frozenMark: String?
  ) throws -> any Guardian {
    throw FakeMachine.Refusal(description: "no guardian")
  }
}
