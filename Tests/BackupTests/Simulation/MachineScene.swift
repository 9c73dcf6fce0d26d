// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

@testable import Backup
@testable import BackupCore

/// A host and a pool with points of a domain, and clients that work on them.
protocol MachineScene {
  var pool: FakeRepository { get }
  var machine: FakeMachine { get }
  var uuid: String { get }
  /// Reads the pool's documents for who looks at the scene.
  var documents: DocumentReader { get }
}

/// A client goes on and on.
struct Endless: Error {}

extension MachineScene {
  /// More steps than any client takes that does not wait for another.
  private static var longest: Int { 4000 }

  /// A client that is dead for all others.
  static var dead: Int { 0 }
  /// A client of which others know nothing.
  static var unknown: Int { 99 }

  /// A client, of which the dead one is dead.
  func process(of client: Int) -> ClientProcess {
    let owner = Partial.Owner(
      host: "h", bootID: World.makeUUID(0xb007), pid: Int32(client + 1), startTime: 1)
    let machine = Clients.Box(machine)
    let dead = Self.dead, unknown = Self.unknown
    return ClientProcess(
      owner: owner,
      liveness: { owner in
        switch Int(owner.pid) - 1 {
        case dead: .dead
        case unknown: .unknown
        default: .alive
        }
      },
      time: { 1_795_400_100 },
      newUUID: {
        machine.value.uuids += 1
        let digits = String(machine.value.uuids, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
          + "-0000-4000-8000-000000000000"
      }, pause: { _ in })
  }

  /// The engine of a client.
  func engine(
    of client: Int, observer: FakeObserver = FakeObserver(),
    step: @escaping (Step) throws -> Void = { _ in }
  ) -> Engine {
    var count = 0
    let step: (Step) throws -> Void = { kind in
      count += 1
      guard count < Self.longest else { throw Endless() }
      try step(kind)
    }
    return Engine(
      repository: SteppedRepository(pool, step: step),
      hypervisor: MachineHost(machine, client: client, step: step), observer: observer,
      process: process(of: client))
  }

  /// Runs a client until it has ended, or is killed before a change.
  ///
  /// - Parameters:
  ///   - client: Its number.
  ///   - change: The change, counted from 0; nil for none.
  ///   - isReached: Tells before each change whether the client is killed there.
  ///   - standsStill: Whether it is not killed but stands still there, for good.
  ///   - killsHelpers: Whether a helper domain that ends with the client is killed.
  ///   - work: What it does.
  /// - Returns: Whether it was killed, and what it threw otherwise.
  @discardableResult
  func run(
    _ client: Int = dead, killedBefore change: Int? = nil,
    killedWhen isReached: @escaping () -> Bool = { false }, standsStill: Bool = false,
    killsHelpers: Bool = false,
    _ work: (Engine) throws -> Void
  ) -> (isKilled: Bool, error: (any Error)?) {
    var changes = 0
    var isKilled = false
    let engine = engine(of: client) { step in
      if !isKilled, step == .change {
        isKilled = change == changes || isReached()
        changes += 1
      }
      if isKilled { throw Killed() }
    }
    var failure: (any Error)?
    do {
      try work(engine)
    } catch {
      failure = error
    }
    if isKilled, !standsStill { machine.bury(client, killsHelpers: killsHelpers) }
    return (isKilled, isKilled ? nil : failure)
  }

  /// Runs a client, and another one as a whole before a step of the first.
  ///
  /// One that waits for the first, which stands still, is killed.
  ///
  /// - Parameters:
  ///   - step: The step, counted from 0; nil for none.
  ///   - first: What the first client does.
  ///   - second: What the second one does.
  /// - Returns: How they ended, with the steps of the first; what the second changed in the pool.
  func interrupt(
    before step: Int?, _ first: (Engine) throws -> Void,
    by second: @escaping (Engine) throws -> Void
  ) -> (endings: [Clients.Ending], steps: [Step], changed: Set<String>) {
    var steps: [Step] = []
    var others: [Clients.Ending] = []
    var changed: Set<String> = []
    let own = end(of: 2, first) { kind in
      defer { steps.append(kind) }
      guard steps.count == step else { return }
      let before = pool.contents
      var count = 0
      others = [
        end(of: 3, second) { _ in
          count += 1
          if count > 1200 { throw Killed() }
        }
      ]
      let names = Set(before.keys).union(pool.contents.keys)
      changed = names.filter { before[$0] != pool.contents[$0] }
    }
    return ([own] + others, steps, changed)
  }

  private func end(
    of client: Int, _ work: (Engine) throws -> Void, step: @escaping (Step) throws -> Void
  ) -> Clients.Ending {
    let observer = FakeObserver()
    do {
      try work(engine(of: client, observer: observer, step: step))
      return .done(observer.notices)
    } catch {
      return .failed("\(error)")
    }
  }

  /// Lets a client settle, again and again while time passes, until nothing is under way.
  func settle(client: Int = 9) throws {
    for _ in 0..<5 where hasLeftovers {
      try engine(of: client).settle(domainUUID: uuid)
      machine.copyAll()
      try machine.pullAll()
      pool.time += 2 * Journal.setupLimit
    }
  }

  /// The pool as it is now.
  var catalog: Catalog? { try? Catalog(of: pool, documents: documents) }
  /// The operations that are under way in the pool.
  var pending: [Catalog.Pending] { catalog?.pending ?? [] }

  private var hasLeftovers: Bool {
    !machine.helpers.isEmpty || pool.contents.keys.contains { $0.contains("partial") }
  }
}
