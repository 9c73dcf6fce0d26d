// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt
import Testing

@Suite struct DomainTests {
  @Test func `A domain is defined, started, paused, resumed, destroyed and undefined`() throws {
    try TestNode.with { connection in
      let domain = try connection.defineDomain(xml: TestNode.domainXML(name: "new"))
      #expect(domain.name == "new")
      #expect(domain.id == nil)
      #expect(try domain.state.state == .shutOff)
      #expect(try domain.isPersistent)
      #expect(try !domain.isActive)

      try domain.create()
      #expect(try domain.isActive)
      #expect(domain.id != nil)
      #expect(try domain.state.state == .running)
      try domain.suspend()
      // VIR_DOMAIN_PAUSED_USER
      #expect(try domain.state == (.paused, 1))
      try domain.resume()
      #expect(try domain.state.state == .running)

      try domain.destroy()
      #expect(try domain.state.state == .shutOff)
      let again = #expect(throws: LibvirtError.self) { try domain.destroy() }
      #expect(again?.code == .operationInvalid)

      try domain.undefine()
      let gone = #expect(throws: LibvirtError.self) { try domain.state }
      #expect(gone?.code == .noDomain)
    }
  }

  @Test func `A flag that the driver does not know is refused, not ignored`() throws {
    try TestNode.with { connection in
      let domain = try connection.defineDomain(xml: TestNode.domainXML(name: "new"))
      let error = #expect(throws: LibvirtError.self) { try domain.create(flags: .paused) }
      #expect(error?.code == .invalidArg)
      #expect(try !domain.isActive)
    }
  }

  @Test func `A transient domain is gone when it stops`() throws {
    try TestNode.with { connection in
      let domain = try connection.createDomain(xml: TestNode.domainXML(name: "new"))
      #expect(try !domain.isPersistent)
      #expect(try connection.domains(.transient).map(\.name) == ["new"])
      try domain.destroy()
      let error = #expect(throws: LibvirtError.self) { try connection.domain(name: "new") }
      #expect(error?.code == .noDomain)
    }
  }

  @Test func `Autostart can be read and set`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      #expect(try !domain.isAutostart)
      try domain.setAutostart(true)
      #expect(try domain.isAutostart)
      try domain.setAutostart(false)
      #expect(try !domain.isAutostart)
    }
  }

  @Test func `A description holds passwords only when asked`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      #expect(try !domain.xmlDescription().contains("sesame"))
      #expect(try domain.xmlDescription(flags: [.secure, .inactive]).contains("sesame"))
      #expect(try domain.xmlDescription().contains(" id='"))
      #expect(try !domain.xmlDescription(flags: .inactive).contains(" id='"))
    }
  }

  @Test func `A new domain has no saved state`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      #expect(try !domain.hasManagedSaveImage)
    }
  }

  @Test func `A document that is not XML or not a domain is an error`() throws {
    try TestNode.with { connection in
      #expect(throws: LibvirtError.self) { try connection.defineDomain(xml: "<domain") }
      #expect(throws: LibvirtError.self) { try connection.defineDomain(xml: "<pool/>") }
      let error = #expect(throws: LibvirtError.self) { try connection.createDomain(xml: "") }
      #expect(error?.code == .xmlDetail)
    }
  }

  @Test func `A driver without a monitor refuses commands for it`() throws {
    try TestNode.with { connection in
      let domain = try connection.domain(name: "web1")
      let plain = #expect(throws: LibvirtError.self) {
        try domain.qemuMonitorCommand(#"{"execute":"query-version"}"#)
      }
      #expect(plain?.code == .noSupport)
      let descriptors = #expect(throws: LibvirtError.self) {
        try domain.qemuMonitorCommand(#"{"execute":"add-fd"}"#, descriptors: [0])
      }
      #expect(descriptors?.code == .noSupport || descriptors?.code == .argumentUnsupported)
      let agent = #expect(throws: LibvirtError.self) {
        try domain.qemuAgentCommand("guest-ping", seconds: 1)
      }
      #expect(agent?.code == .noSupport)
    }
  }
}
