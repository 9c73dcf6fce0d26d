// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

@testable import Backup
@testable import BackupCore

/// Clients that work at the same time, in turns.
enum Clients {
  /// The end of a client, with its notices or its error.
  enum Ending {
    case done([String])
    case failed(String)
  }

  /// The endings of the clients, and the number of steps that each took.
  typealias Run = (endings: [Ending], counts: [Int: Int])

  /// Lets clients of several threads, which take turns, have a thing in common.
  final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  /// Runs clients in turns.
  ///
  /// - Parameters:
  ///   - segments: Whose turn it is, for how many steps.
  ///   - clients: How many there are.
  ///   - engine: Makes the engine of a client, which is to take its steps.
  ///   - work: What a client does, by its number.
  /// - Returns: How they ended.
  static func run(
    _ segments: [Turns.Segment], clients: Int,
    engine: (Int, FakeObserver, @escaping (Step) -> Void) -> Engine,
    _ work: @escaping @Sendable (Engine, Int) throws -> Void
  ) -> Run {
    let turns = Turns(segments, clients: clients)
    let endings = Box(Array(repeating: Ending.failed("has not ended"), count: clients))
    let group = DispatchGroup()
    for client in 0..<clients {
      let observer = FakeObserver()
      let engine = Box(engine(client, observer) { _ in turns.step(client) })
      let told = Box(observer)
      group.enter()
      Thread.detachNewThread {
        turns.step(client)
        do {
          try work(engine.value, client)
          endings.value[client] = .done(told.value.notices)
        } catch {
          endings.value[client] = .failed("\(error)")
        }
        turns.end(client)
        group.leave()
      }
    }
    group.wait()
    return (endings.value, turns.counts)
  }

  /// Runs two clients in some of the ways in which one does some steps, the other some, then the first
  /// the rest.
  ///
  /// The places where they stop are spread evenly over all that are possible.
  ///
  /// - Parameters:
  ///   - ways: How many ways are tried; `make check-long` tries more.
  ///   - run: Runs the clients, so many of them, in turns.
  ///   - check: Looks at what is left of a run, which it is told.
  /// - Throws: What they throw.
  static func interleave(
    ways: Int, _ run: ([Turns.Segment], Int) throws -> Run,
    _ check: (Run, String) throws -> Void
  ) throws {
    let alone = try run([], 1).counts[0] ?? 0
    let ways = min(ways * Rounds.count(1), alone * alone)
    for way in 0..<ways {
      let first = 1 + way * alone / ways
      // By the golden ratio, no place is near that of a way nearby.
      let second = 1 + Int(Double(way) * 0.618_034 * Double(alone)) % alone
      let found = try run(
        [
          .init(client: 0, steps: first), .init(client: 1, steps: second),
          .init(client: 0, steps: 1000),
        ], 2)
      try check(found, "\(first) \(second)")
    }
  }
}
