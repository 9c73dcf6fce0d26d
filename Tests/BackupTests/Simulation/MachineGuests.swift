// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP

@testable import BackupCore

/// A domain whose processors no test stops, and which has no agent.
protocol QuietGuest: Guest {}

extension QuietGuest {
  func standstill() -> Standstill { .none }
  func resume() {}
  func isFrozen() -> Bool { false }
  func thaw() {}
  func information() -> (told: [String: String], isSilent: Bool) { ([:], false) }
  func activeJob() -> String? { nil }
  func inactiveDefinition() -> String? { nil }
  func pull(_ disk: String, speed: Int64) {}
  func blockJob(of disk: String) -> DiskProgress? { nil }
  func abortBlockJob(of disk: String) {}
  func setBlockJobSpeed(of disk: String, to speed: Int64) -> Bool { false }
  func awaitBlockJob(timeoutMilliseconds: Int) {}
}

/// A helper domain of a ``FakeMachine`` as one client has it.
final class MachineHelper: QuietGuest {
  private let name: String
  private let machine: FakeMachine
  private let step: (Step) throws -> Void

  init(_ name: String, of machine: FakeMachine, step: @escaping (Step) throws -> Void) {
    self.name = name
    self.machine = machine
    self.step = step
  }

  var monitor: any Monitor {
    MachineMonitor(step: step) { [machine, name] in machine.helpers[name]?.qemu }
  }

  func definition() throws -> String {
    try step(.look())
    guard let helper = machine.helpers[name] else { throw FakeMachine.Refusal.ended }
    return helper.definition
  }
  func destroy() throws {
    try step(.change)
    machine.endHelper(name)
  }
  func hasEnded() -> Bool { machine.helpers[name] == nil }
}

/// A domain of a ``FakeMachine`` that runs, as one client has it.
final class MachineDomain: QuietGuest {
  private let uuid: String
  private let machine: FakeMachine
  private let step: (Step) throws -> Void

  init(_ uuid: String, of machine: FakeMachine, step: @escaping (Step) throws -> Void) {
    self.uuid = uuid
    self.machine = machine
    self.step = step
  }

  var monitor: any Monitor {
    MachineMonitor(step: step) { [machine, uuid] in machine.domains[uuid]?.running?.qemu }
  }

  private func running(_ kind: Step = .look()) throws -> FakeMachine.Running {
    try step(kind)
    guard let running = machine.domains[uuid]?.running else { throw FakeMachine.Refusal.ended }
    return running
  }

  func definition() throws -> String { try running().text }
  func inactiveDefinition() throws -> String? {
    try step(.look())
    return machine.domains[uuid].flatMap { $0.isDefined ? $0.text : nil }
  }
  func pull(_ disk: String, speed: Int64) throws { try running(.change).pulls.insert(disk) }
  func blockJob(of disk: String) throws -> DiskProgress? {
    try running().pulls.contains(disk) ? DiskProgress(disk: disk, done: 0, total: 1) : nil
  }
  func abortBlockJob(of disk: String) throws { try running(.change).pulls.remove(disk) }
  func setBlockJobSpeed(of disk: String, to speed: Int64) throws -> Bool {
    try running().pulls.contains(disk)
  }
  func awaitBlockJob(timeoutMilliseconds: Int) throws {
    try step(.change)
    try machine.pullAll()
  }
  func destroy() throws {
    try step(.change)
    machine.shutOff(uuid)
  }
  func hasEnded() -> Bool { machine.domains[uuid]?.running == nil }
}

/// The monitor of a domain, which answers as long as that runs.
private final class MachineMonitor: Monitor {
  private let step: (Step) throws -> Void
  private let qemu: () -> FakeQEMU?

  init(step: @escaping (Step) throws -> Void, qemu: @escaping () -> FakeQEMU?) {
    self.step = step
    self.qemu = qemu
  }

  private func running(_ kind: Step) throws -> FakeQEMU {
    try step(kind)
    guard let qemu = qemu() else { throw FakeMachine.Refusal.ended }
    return qemu
  }

  func send(_ line: String, descriptors: [Int32]) throws -> String {
    try running(FakeQEMU.step(of: line)).send(line, descriptors: descriptors)
  }

  func nextEvent(timeoutMilliseconds: Int) throws -> Event? {
    try running(.change).nextEvent(timeoutMilliseconds: timeoutMilliseconds)
  }
}
