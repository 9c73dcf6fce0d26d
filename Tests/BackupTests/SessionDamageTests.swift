// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import Testing

@testable import Backup
@testable import BackupCore

/// The sample that tells whether a session still serves the instant of its start.
@Suite struct SessionDamageTests {
  /// A QEMU whose mirror is slow to end, is ended by another client, or cannot read.
  private final class Odd: Monitor {
    enum Way {
      case slow, endedTwice, unreadable
    }

    let qemu = FakeQEMU()
    /// The number of mirrors that were begun.
    private(set) var mirrors = 0
    private let way: Way
    /// Jobs as they were when a mirror was told to end.
    private var earlier: String?

    init(_ way: Way) { self.way = way }

    func send(_ line: String, descriptors: [Int32]) throws -> String {
      if line.contains("query-jobs"), let reply = earlier {
        earlier = nil
        return reply
      }
      let jobs = try qemu.send(#"{"execute":"query-jobs"}"#, descriptors: [])
      let reply = try qemu.send(line, descriptors: descriptors)
      if line.contains("blockdev-mirror") { mirrors += 1 }
      if line.contains("block-job-cancel") {
        if way == .slow { earlier = jobs }
        if way == .endedTwice, mirrors == 1 {
          return try qemu.send(line, descriptors: descriptors)
        }
      }
      return reply
    }

    func nextEvent(timeoutMilliseconds: Int) -> Event? {
      qemu.copyAll(error: way == .unreadable ? "Permission denied" : nil)
      return nil
    }
  }

  private func damage(_ monitor: Odd) throws -> String? {
    let left = try LeftOperation(.session, .idle, owner: .alive)
    let names = NodeNames(operation: left.partial.uuid, disk: 0)
    for node in [names.sample, names.sampleTarget] {
      monitor.qemu.nodes[node] = .init(driver: "raw")
    }
    return try Session(left.engine.context).damage(
      of: left.partial, in: FakeGuest(definition: "", monitor: monitor))
  }

  @Test func `a sample that is slow to end is told once`() throws {
    let monitor = Odd(.slow)
    #expect(try damage(monitor) == nil)
    #expect(monitor.mirrors == 1)
  }

  @Test func `a sample that another client has cancelled by ending it too is read again`() throws {
    let monitor = Odd(.endedTwice)
    #expect(try damage(monitor) == nil)
    #expect(monitor.mirrors == 2)
  }

  @Test func `a state that cannot be read is damaged`() throws {
    let monitor = Odd(.unreadable)
    #expect(try damage(monitor) == "disk 'vda': Permission denied")
    #expect(monitor.mirrors == 2)
  }
}
