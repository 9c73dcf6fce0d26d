// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What is stored is usable without this program.
struct StoreTests {
  @Test(arguments: LibvirtMode.available)
  func `the stock qemu-img checks and reads every point`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    for (number, change) in ["write -P 1 0 4M", "write -z 1M 1M", "discard 2M 1M"].enumerated() {
      for target in ["vda", "vdb"] { try history.domain.write(target, change) }
      try history.backUp("p\(number)")
    }
    for point in history.points {
      let info = try history.info(point)
      for (target, reference) in history.references[point] ?? [:] {
        let path = try #require(info.disk(target)?.path)
        try Command.run("qemu-img", ["check", "-q", "-f", "qcow2", path]).expectSuccess()
        #expect(try reference.difference(from: path, format: .qcow2) == nil)
      }
    }
    // The comparison sees what it must: another point is another image.
    let last = try #require(try history.info("p2").disk("vda")?.path)
    #expect(try history.references["p1"]?["vda"]?.difference(from: last, format: .qcow2) != nil)
  }

  @Test(arguments: LibvirtMode.available)
  func `a plain QEMU boots from the newest point`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let domain = try TestDomain(
      libvirt, disks: [TestDisk("vda"), TestDisk("vdb", .raw)], counting: true, start: .running)
    defer { domain.remove() }
    let pool = try Pool(libvirt)
    defer { pool.remove() }
    let guest = try #require(domain.guest)
    for point in ["f", "i"] {
      try guest.awaitWrites(100)
      try Program.run(
        libvirt, ["backup-create", domain.name, "--pool", pool.name, "--backupname", point]
      ).expectSuccess()
    }
    let images = ["vda", "vdb"].map { pool.path("\(domain.name).i.\($0).qcow2") }
    let counters = try images.map { try CounterGuest.counter(in: $0, .qcow2) }
    #expect(counters[0] > 50)
    #expect(counters[0] - counters[1] <= 1)

    domain.remove()
    let before = try Command.run("sha256sum", images).expectSuccess().stdout
    let directory = try libvirt.makeDirectory("boot")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let report = "\(directory)/report"
    let drives = images.enumerated().flatMap { number, image in
      [
        "-drive", "if=none,id=d\(number),format=qcow2,file=\(image)",
        "-device", "virtio-blk-pci,drive=d\(number),bootindex=\(number)",
      ]
    }
    let qemu = try Command.start(
      "qemu-system-x86_64",
      [
        "-machine", "q35,accel=tcg", "-m", "32", "-nodefaults", "-display", "none", "-snapshot",
        "-debugcon", "file:\(report)",
      ] + drives)
    defer {
      qemu.signal(SIGKILL)
      _ = try? qemu.wait()
    }
    try eventually("the booted guest writes", within: .seconds(60)) {
      let bytes = FileManager.default.contents(atPath: report) ?? Data()
      #expect(!bytes.contains(UInt8(ascii: "-")))
      return bytes.count { $0 == UInt8(ascii: "+") } >= 100
    }
    qemu.signal(SIGTERM)
    #expect(try qemu.wait().status == 0)
    #expect(try Command.run("sha256sum", images).expectSuccess().stdout == before)
  }
}
