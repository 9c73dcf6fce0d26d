// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

/// The throw-away domain that shows whether a backup boots.
struct BootedDefinitionTests {
  private static let name = "virsh-backup-0123456789ab"

  private static func booted(_ text: String, nvram: String? = "/pool/x.fd") throws -> String {
    try BootedDefinition(
      name: name, uuid: Samples.parentUUID, operation: Samples.pointUUID, client: "me",
      disks: [
        .init(
          target: "vda", path: "/pool/over.qcow2",
          layers: [
            .init(path: "/pool/p1.qcow2", keepsOwner: true),
            .init(path: "/pool/p0.qcow2", keepsOwner: false),
          ])
      ], nvram: nvram
    ).apply(to: text)
  }

  @Test func `nothing of the host and of others is left`() throws {
    let text = try Self.booted(Samples.liveDomain)
    for part in [
      "interface", "graphics", "vsock", "web1", "/images", "/sockets", "org.example.0", "rbd",
      "example.org/app", "vdb", "sda", "<partition>", "/dev/pts", "5911", "<on_crash>preserve",
    ] {
      #expect(!text.contains(part), "\(part)")
    }
    let parsed = try DomainDefinition(parsing: text)
    #expect(parsed.name == Self.name && parsed.uuid == Samples.parentUUID)
    #expect(
      parsed.disks.map(\.chain) == [
        ["/pool/over.qcow2", "/pool/p1.qcow2", "/pool/p0.qcow2"].map {
          .init(source: .file($0), format: "qcow2", index: nil)
        }
      ])
    #expect(parsed.nvram?.path == "/pool/x.fd")
    #expect(try HelperDefinition.client(in: text) == "me")
    for event in ["on_poweroff", "on_reboot", "on_crash"] {
      #expect(text.matches(of: try Regex("<\(event)>destroy</\(event)>")).count == 1, "\(event)")
    }
    #expect(text.contains("rebootTimeout='0'") && text.contains("cache='unsafe'"))
    #expect(text.contains("name='org.qemu.guest_agent.0'"))
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
    #expect(
      try DomainDefinition.offenders(
        in: text, restoring: ["vda"], restoredNVRAM: "/pool/x.fd",
        emulators: ["/usr/bin/qemu-system-x86_64"]) == [])
  }

  /// Devices of a recorded definition, each with a text that stays of it; nil where it is left out.
  static let devices: [(String, String?)] = [
    ("<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source></hostdev>", nil),
    ("<filesystem type='mount'><source dir='/srv'/><target dir='x'/></filesystem>", nil),
    (
      "<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='1'/></redirdev>", nil
    ),
    ("<shmem name='s'><model type='ivshmem-plain'/></shmem>", nil),
    ("<input type='evdev'><source dev='/dev/input/event1'/></input>", nil),
    ("<memory model='nvdimm'><source><path>/nv</path></source></memory>", nil),
    ("<rng model='virtio'><backend model='egd' type='tcp'/></rng>", nil),
    ("<sound model='ich9'/>", nil), ("<smartcard mode='host'/>", nil),
    (
      "<tpm model='tpm-crb'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
      nil
    ),
    ("<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>", "/dev/urandom"),
    ("<watchdog model='itco' action='dump'/>", "action='reset'"),
    ("<input type='tablet' bus='usb'/>", "tablet"),
    ("<video><model type='qxl' ram='65536'/></video>", "<model type='vga'/>"),
    (
      "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>",
      "<model type='virtio'/>"
    ),
    (
      "<serial type='file'><source path='/log'/><target type='isa-serial' port='0'/></serial>",
      "<serial type='pty'>"
    ),
    (
      "<serial type='tcp'><source mode='bind' host='::' service='1'/><protocol type='raw'/></serial>",
      "<serial type='pty'"
    ),
  ]

  @Test(arguments: devices) func `a device is made harmless or left out`(
    device: String, kept: String?
  ) throws {
    let plain = """
      <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
      <name>web1</name><uuid>\(Samples.domainUUID)</uuid><memory>65536</memory>
      <os><type arch='x86_64'>hvm</type></os>
      <devices><disk type='file'><source file='/a'/><target dev='vda'/></disk>\(device)</devices>
      <qemu:commandline><qemu:arg value='-debugcon'/></qemu:commandline></domain>
      """
    let text = try Self.booted(plain, nvram: nil)
    #expect(!text.contains("debugcon"))
    if let kept {
      #expect(text.contains(kept), "\(text)")
    } else {
      let name = String(device.dropFirst().prefix { $0.isLetter })
      #expect(!text.contains("<\(name) "), "\(text)")
    }
    for path in ["/dev/hwrng", "/log", "host='", "dump", "qxl", "accel"] {
      #expect(!text.contains(path), "\(text)")
    }
  }

  @Test func `how the guest starts is told`() throws {
    let live = BootedDefinition.Start(of: Samples.liveDomain)
    #expect(live.hasAgentChannel && !live.hasKernel)
    let linux = BootedDefinition.Start(of: "<domain><os><kernel>/k</kernel></os></domain>")
    #expect(!linux.hasAgentChannel && linux.hasKernel)
    #expect(!BootedDefinition.Start(of: "no document").hasKernel)
  }

  @Test func `a name that is not a helper's is refused`() {
    #expect(throws: DomainXMLError.self) {
      try BootedDefinition(
        name: "web2", uuid: Samples.parentUUID, operation: Samples.pointUUID, client: "me",
        disks: []
      ).apply(to: Samples.liveDomain)
    }
  }
}
