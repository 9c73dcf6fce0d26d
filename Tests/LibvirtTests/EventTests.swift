// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt
import Testing

@Suite struct EventTests {
  @Test func `Changes in the life of a domain arrive in order`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      let events = try connection.lifecycleEvents(of: domain)
      try domain.suspend()
      try domain.resume()
      try domain.destroy()
      #expect(events.next(timeoutMilliseconds: 10_000)?.kind == .suspended)
      #expect(events.next(timeoutMilliseconds: 10_000)?.kind == .resumed)
      // VIR_DOMAIN_EVENT_STOPPED_DESTROYED
      #expect(
        events.next(timeoutMilliseconds: 10_000) == LifecycleEvent(event: 5, detail: 1))
      #expect(events.next(timeoutMilliseconds: 0) == nil)
    }
  }

  @Test func `Only the domain asked for is heard`() throws {
    try TestNode.with { connection in
      let events = try connection.lifecycleEvents(of: try connection.domain(name: "web1"))
      let others = try connection.lifecycleEvents(of: try connection.domain(name: "web2"))
      try connection.domain(name: "web2").suspend()
      #expect(others.next(timeoutMilliseconds: 10_000)?.kind == .suspended)
      #expect(events.drain().isEmpty)
    }
  }

  @Test func `The descriptor can be read exactly while events are waiting`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      let events = try connection.lifecycleEvents(of: domain)
      let descriptor = events.fileDescriptor
      #expect(waitUntilReadable([descriptor], timeoutMilliseconds: 0).isEmpty)
      try domain.suspend()
      try domain.resume()
      #expect(waitUntilReadable([descriptor], timeoutMilliseconds: 10_000) == [descriptor])
      #expect(events.next()?.kind == .suspended)
      #expect(waitUntilReadable([descriptor], timeoutMilliseconds: 10_000) == [descriptor])
      #expect(events.drain().map(\.kind) == [.resumed])
      #expect(waitUntilReadable([descriptor], timeoutMilliseconds: 0).isEmpty)
      #expect(events.drain().isEmpty)
    }
  }

  @Test func `After the end of a registration nothing arrives, and what arrived can be taken`()
    throws
  {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      let neighbour = try connection.domain(name: "web2")
      let ended = try connection.lifecycleEvents(of: domain)
      let others = try connection.lifecycleEvents(of: neighbour)
      try domain.suspend()
      #expect(waitUntilReadable([ended.fileDescriptor], timeoutMilliseconds: 10_000).count == 1)
      ended.cancel()
      ended.cancel()
      try domain.resume()
      // Events of a host are delivered in order: this one comes after the other would have.
      try neighbour.suspend()
      #expect(others.next(timeoutMilliseconds: 10_000)?.kind == .suspended)
      #expect(ended.drain().map(\.kind) == [.suspended])
    }
  }

  @Test func `A second registration for the same is refused until the first has ended`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      let first = try connection.lifecycleEvents(of: domain)
      let error = #expect(throws: LibvirtError.self) {
        try connection.lifecycleEvents(of: domain)
      }
      #expect(error?.code == .invalidArg)
      first.cancel()
      let second = try connection.lifecycleEvents(of: domain)
      try domain.suspend()
      #expect(second.next(timeoutMilliseconds: 10_000)?.kind == .suspended)
    }
  }

  @Test func `A queue that is let go ends its registration and lets its connection go`() throws {
    try TestNode.with { connection in
      weak var observed: Connection?
      do {
        let second = try Connection.open(uri: try connection.uri)
        observed = second
        let events = try second.lifecycleEvents(of: try second.domain(name: "web1"))
        #expect(events.drain().isEmpty)
      }
      #expect(observed == nil)
    }
  }

  @Test func `Neither a registration that ended nor one that failed leaves anything open`()
    async throws
  {
    try await withTemporaryDirectory { directory in
      let uri = try TestNode.make(in: directory)
      await #expect(processExitsWith: .success) { [uri = uri as String] in
        let connection = try Connection.open(uri: uri)
        let domain = try connection.domain(name: "web1")
        let before = openDescriptors()
        for _ in 0..<20 {
          _ = try connection.lifecycleEvents(of: domain)
          _ = try? connection.monitorEvents(of: domain)
        }
        // The event thread may be the one that lets the last of them go, and the test library opens
        // some of its own: fewer than the registrations, of either kind, would leave.
        for _ in 0..<100 where openDescriptors() > before + 10 { usleep(50_000) }
        #expect(openDescriptors() <= before + 10)
      }
    }
  }

  @Test func `A wait for an event that does not come ends in time`() throws {
    try TestNode.with { connection in
      let events = try connection.lifecycleEvents(of: try connection.domain(name: "web1"))
      let start = ContinuousClock.now
      #expect(events.next(timeoutMilliseconds: 50) == nil)
      #expect(ContinuousClock.now - start >= .milliseconds(49))
    }
  }

  @Test func `A driver without a monitor refuses a registration for its events`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      let error = #expect(throws: LibvirtError.self) { try connection.monitorEvents(of: domain) }
      #expect(error?.code == .noSupport)
    }
  }
}
