// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt
import Testing

@Suite struct LibvirtErrorTests {
  @Test func `A failed call brings libvirt's code, domain, level and text`() throws {
    try TestNode.with { connection in
      let error = #expect(throws: LibvirtError.self) { try connection.domain(name: "nobody") }
      #expect(error?.code == .noDomain)
      // VIR_FROM_TEST
      #expect(error?.domain == 12)
      #expect(error?.level == .error)
      #expect(error?.description == "Domain not found")
    }
  }

  @Test func `A code can be matched in a catch clause`() throws {
    try TestNode.with { connection in
      do throws(LibvirtError) {
        _ = try connection.domain(name: "nobody")
        Issue.record("found nobody")
      } catch  where error.code == .noDomain {
        // As it has to be.
      } catch {
        Issue.record("\(error)")
      }
    }
  }

  @Test func `A code that has no name here survives`() {
    #expect(LibvirtError.Code(rawValue: 4711).rawValue == 4711)
    #expect(LibvirtError.Code(rawValue: 42) == .noDomain)
  }

  @Test func `An error of an earlier call does not stick to a later one`() throws {
    try TestNode.with { connection in
      #expect(throws: LibvirtError.self) { try connection.domain(name: "nobody") }
      let error = #expect(throws: LibvirtError.self) { try connection.storagePool(name: "none") }
      #expect(error?.code == .noStoragePool)
    }
  }
}
