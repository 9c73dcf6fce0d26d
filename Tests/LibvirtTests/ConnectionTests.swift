// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt
import Testing

@Suite struct ConnectionTests {
  @Test func `A connection tells what it is`() throws {
    try TestNode.with { connection in
      let uri = try connection.uri
      #expect(uri.hasPrefix("test:///tmp/vb-"))
      #expect(try !connection.hostName.isEmpty)
      #expect(try connection.capabilities.contains("<capabilities>"))
      #expect(try Connection.clientVersion >= 8_002_000)
      #expect(try connection.isAlive)
      #expect(!connection.isReadOnly)
    }
  }

  @Test func `A host that is not there is an error`() throws {
    let error = #expect(throws: LibvirtError.self) {
      try Connection.open(uri: "test:///nowhere/node.xml")
    }
    #expect(error?.message.contains("/nowhere/node.xml") == true)
  }

  @Test func `A URI of no driver is an error`() throws {
    #expect(throws: LibvirtError.self) { try Connection.open(uri: "nosuchdriver:///system") }
  }

  @Test func `A local driver says that it has no keepalive`() throws {
    try TestNode.with { connection in
      let error = #expect(throws: LibvirtError.self) {
        try connection.setKeepAlive(interval: 5, count: 3)
      }
      #expect(error?.code == .noSupport)
    }
  }

  @Test func `Domains are listed by kind`() throws {
    try TestNode.with { connection in
      try connection.domain(name: "web2").destroy()
      #expect(try Set(connection.domains().map(\.name)) == ["web1", "web2"])
      #expect(try connection.domains(.active).map(\.name) == ["web1"])
      #expect(try connection.domains([.inactive, .persistent]).map(\.name) == ["web2"])
      #expect(try connection.domains(.transient).isEmpty)
    }
  }

  @Test func `A domain is found by name, UUID and id`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      #expect(domain.uuid == TestNode.domainUUID)
      #expect(try connection.domain(uuid: TestNode.domainUUID.uppercased()).name == "web1")
      let id = try #require(domain.id)
      #expect(try connection.domain(id: id).uuid == domain.uuid)
    }
  }

  @Test func `What is not a UUID is a wrong argument, what is none of a domain is no domain`()
    throws
  {
    try TestNode.with { connection in
      let wrong = #expect(throws: LibvirtError.self) { try connection.domain(uuid: "web1") }
      #expect(wrong?.code == .invalidArg)
      let unknown = #expect(throws: LibvirtError.self) {
        try connection.domain(uuid: TestNode.poolUUID)
      }
      #expect(unknown?.code == .noDomain)
      let id = #expect(throws: LibvirtError.self) { try connection.domain(id: 4711) }
      #expect(id?.code == .noDomain)
    }
  }

  @Test func `A read-only connection reads and refuses the rest`() throws {
    try TestNode.with(readOnly: true) { connection in
      #expect(connection.isReadOnly)
      let domain = try connection.domain(name: "web1")
      #expect(try domain.state.state == .running)
      #expect(try !domain.xmlDescription().contains("sesame"))
      let pool = try connection.storagePool(name: "backups")
      #expect(try pool.volumeNames().isEmpty)
      let refusals: [() throws -> Void] = [
        { try domain.suspend() },
        { try domain.destroy() },
        { try domain.undefine() },
        { try domain.setAutostart(true) },
        { _ = try domain.xmlDescription(flags: .secure) },
        { _ = try domain.qemuMonitorCommand("{}") },
        { _ = try connection.defineDomain(xml: TestNode.domainXML(name: "new")) },
        { _ = try connection.createDomain(xml: TestNode.domainXML(name: "new")) },
        { _ = try pool.createVolume(xml: TestNode.volumeXML(name: "new")) },
        { try pool.refresh() },
        { try pool.destroy() },
      ]
      for (index, refusal) in refusals.enumerated() {
        let error = #expect(throws: LibvirtError.self, "number \(index)") { try refusal() }
        #expect(error?.code == .operationDenied, "number \(index)")
      }
    }
  }

  @Test func `A connection is closed with the last thing that was found through it`() throws {
    try TestNode.with { connection in
      weak var observed: Connection?
      var domain: Domain?
      do {
        let second = try Connection.open(uri: try connection.uri)
        observed = second
        domain = try second.domain(name: "web1")
      }
      #expect(observed != nil)
      #expect(try domain?.isActive == true)
      domain = nil
      #expect(observed == nil)
    }
  }
}
