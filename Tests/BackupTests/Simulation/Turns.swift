// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Foundation
import QMP

@testable import BackupCore

/// Clients in threads of their own, of which one goes on at a time: each step is a call of the pool or
/// of QEMU.
final class Turns: @unchecked Sendable {
  /// So many steps of a client.
  struct Segment {
    var client: Int
    var steps: Int
  }

  /// Steps after which the next has its turn when the segments are over, so that none waits for ever.
  private static let fairShare = 40

  private let condition = NSCondition()
  private var segments: ArraySlice<Segment>
  private var current: Segment
  private var running: Set<Int>
  /// The number of steps that each client made.
  private(set) var counts: [Int: Int] = [:]

  init(_ segments: [Segment], clients: Int) {
    self.segments = segments[...]
    running = Set(0..<clients)
    current = self.segments.popFirst() ?? Segment(client: 0, steps: Turns.fairShare)
  }

  /// Waits for the client's turn, and takes a step of it.
  func step(_ client: Int) {
    condition.lock()
    defer { condition.unlock() }
    if current.client == client, current.steps == 0 { next(after: client) }
    while current.client != client { condition.wait() }
    current.steps -= 1
    counts[client, default: 0] += 1
  }

  /// Takes a client that has ended out of the turns.
  func end(_ client: Int) {
    condition.lock()
    defer { condition.unlock() }
    running.remove(client)
    if current.client == client { next(after: client) }
  }

  private func next(after client: Int) {
    repeat {
      current =
        segments.popFirst()
        ?? Segment(
          client: running.first { $0 != client } ?? client, steps: Turns.fairShare)
    } while !running.contains(current.client) && !running.isEmpty || current.steps == 0
    condition.broadcast()
  }
}

/// A step of a client, by its effect on others.
enum Step: Equatable {
  /// The step changes nothing: a client that is killed before it leaves what one leaves that is killed before
  /// the next change.
  ///
  /// Of a volume that is named the step shows no more than that one.
  case look(_ volume: String? = nil)
  /// The step changes what others see.
  case change
  /// The step neither changes nor shows anything.
  case nothing
}

/// A pool as one client has it: each call is a step, which throws where the client is dead.
final class SteppedRepository: Repository {
  private let pool: FakeRepository
  private let step: (Step) throws -> Void

  init(_ pool: FakeRepository, step: @escaping (Step) throws -> Void) {
    self.pool = pool
    self.step = step
  }

  var name: String { pool.name }
  var directory: String { pool.directory }
  var isTrusted: Bool { pool.isTrusted }
  var isReadDirectly: Bool { pool.isReadDirectly }
  var seesLinks: Bool { pool.seesLinks }
  func path(of volume: String) -> String { pool.path(of: volume) }
  func owner(of volume: String) -> FileOwner { pool.owner(of: volume) }
  func available() -> UInt64 { pool.available() }
  func synchronize(_ volumes: [String]) throws { try step(.nothing) }

  func refresh() throws {
    try step(.nothing)
    pool.refresh()
  }
  func volumeNames() throws -> [String] {
    try step(.look())
    return pool.volumeNames()
  }
  func contains(_ volume: String) throws -> Bool {
    try step(.look(volume))
    return pool.contains(volume)
  }
  func isFile(_ volume: String) throws -> Bool {
    try step(.look(volume))
    return pool.isFile(volume)
  }
  func length(of volume: String) throws -> UInt64 {
    try step(.look(volume))
    return try pool.length(of: volume)
  }
  func create(_ volume: VolumeSpecification) throws {
    try step(.change)
    try pool.create(volume)
  }
  func delete(_ volume: String) throws {
    try step(.change)
    pool.delete(volume)
  }
  func read(_ volume: String, offset: UInt64, length: UInt64) throws -> [UInt8] {
    try step(.look(volume))
    return try pool.read(volume, offset: offset, length: length)
  }
  func write(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws {
    try step(.change)
    try pool.write(volume, content) {
      try confirm()
      try step(.change)
    }
  }
  func replace(_ volume: String, _ content: [UInt8]) throws {
    try step(.change)
    pool.replace(volume, content)
  }
  func replace(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws {
    try step(.change)
    try pool.replace(volume, content) {
      try confirm()
      try step(.change)
    }
  }
  func allocation(of volume: String) throws -> UInt64 {
    try step(.look(volume))
    return try pool.allocation(of: volume)
  }
  func age(of volume: String) throws -> Int64 {
    try step(.look(volume))
    return pool.age(of: volume)
  }
}

/// QEMU as one client has it: each command is a step, which throws where the client is dead.
final class SteppedMonitor: Monitor {
  private let qemu: FakeQEMU
  private let step: (Step) throws -> Void

  init(_ qemu: FakeQEMU, step: @escaping (Step) throws -> Void) {
    self.qemu = qemu
    self.step = step
  }

  func send(_ line: String, descriptors: [Int32]) throws -> String {
    try step(FakeQEMU.step(of: line))
    return try qemu.send(line, descriptors: descriptors)
  }

  func nextEvent(timeoutMilliseconds: Int) throws -> Event? {
    try step(.change)
    return qemu.nextEvent(timeoutMilliseconds: timeoutMilliseconds)
  }
}
