// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

/// Which libvirt wrote something down: it must be told from every other, and known again.
struct HostIdentityTests {
  private static let uuid = "44444444-4444-4444-8444-444444444444"
  private static let otherUUID = "44444444-4444-4444-8444-555555555555"
  private static let boot = "66666666-6666-4666-8666-666666666666"
  private static let otherBoot = "66666666-6666-4666-8666-777777777777"

  private static func host(
    _ uuid: String = uuid, name: String? = "a.example.org", machine: String? = "m",
    boot: String? = boot, instance: String? = "system"
  ) -> HostIdentity {
    HostIdentity(uuid: uuid, name: name, machineID: machine, bootID: boot, instance: instance)
  }

  private static func isSame(
    _ recorded: HostIdentity, _ here: HostIdentity = host(), sharesProcesses: Bool? = true,
    precedesBoot: Bool? = false
  ) -> Bool {
    recorded.isSame(as: here, sharesProcesses: sharesProcesses, precedesBoot: precedesBoot)
  }

  @Test func `a host is the same through every connection`() {
    #expect(Self.isSame(Self.host()))
    let remote = Self.host(machine: nil, boot: nil, instance: nil)
    #expect(Self.isSame(remote) && Self.isSame(Self.host(), remote) && Self.isSame(remote, remote))
    // Written by an earlier version.
    #expect(Self.isSame(HostIdentity(uuid: Self.uuid)))
    // With and without its domain.
    #expect(Self.isSame(Self.host(name: "a", machine: nil, boot: nil, instance: nil)))
  }

  @Test func `a host whose libvirt makes up a UUID is known again`() {
    #expect(Self.isSame(Self.host(Self.otherUUID)))
    #expect(Self.isSame(Self.host(Self.otherUUID, boot: Self.otherBoot), precedesBoot: true))
    // Another user's, another container's, another machine's.
    #expect(!Self.isSame(Self.host(Self.otherUUID, instance: "session 1000")))
    #expect(!Self.isSame(Self.host(Self.otherUUID), sharesProcesses: false))
    #expect(!Self.isSame(Self.host(Self.otherUUID), sharesProcesses: nil))
    #expect(!Self.isSame(Self.host(Self.otherUUID, name: "b")))
    #expect(!Self.isSame(Self.host(Self.otherUUID, machine: nil, boot: nil, instance: nil)))
  }

  @Test func `a host that was started again is the same, its clone is not`() {
    let before = Self.host(boot: Self.otherBoot)
    #expect(Self.isSame(before, precedesBoot: true))
    // It would have been written by a machine that had another boot after ours.
    #expect(!Self.isSame(before, precedesBoot: false))
    #expect(!Self.isSame(Self.host(machine: "n", boot: Self.otherBoot), precedesBoot: true))
    #expect(!Self.isSame(Self.host(name: "b", boot: Self.otherBoot), precedesBoot: true))
    #expect(!Self.isSame(Self.host(name: "b", boot: nil)))
  }

  @Test func `containers of one machine are told apart`() {
    let container = Self.host(name: "b")
    #expect(!Self.isSame(container, sharesProcesses: false))
    // The host alone was renamed.
    #expect(Self.isSame(container, sharesProcesses: true))
  }

  @Test func `a backup is of a host whatever became of it since`() {
    #expect(Self.host().withoutBoot.isHost(Self.host(boot: Self.otherBoot)))
    #expect(Self.host(Self.otherUUID).isHost(Self.host()))
    #expect(!Self.host(machine: "n").isHost(Self.host()))
    #expect(!Self.host(name: "b").isHost(Self.host()))
    #expect(!Self.host(Self.otherUUID, machine: nil).isHost(Self.host()))
  }
}
