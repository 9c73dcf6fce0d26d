// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing

/// Every point of a chain gives back the bytes of its instant.
struct RestoredPointsTests {
  /// What happens before each point: more data, and every way in which old data can go.
  private static let changes = [
    [
      "write -P 0x11 0 8M", "write -P 0x12 9M 1M", "write -P 0x13 12M 3000k",
    ],
    [
      // Beside, over and across what is there, in parts of clusters.
      "write -P 0x21 1M 1M", "write -P 0x22 4608 512", "write -P 0x23 65024 1024",
      "write -P 0x24 8191k 2k",
    ],
    [
      // Zeroes over old data, the clusters kept.
      "write -z 2M 1M", "write -z 3100k 10k", "write -z 1M 64k",
    ],
    [
      // Zeroes over old data, the clusters given away.
      "write -z -u 4M 1M", "write -z -u 5M 100k", "write -P 0x41 4500k 1k",
    ],
    [
      "discard 6M 1M", "discard 12M 1M", "discard 7100k 200k", "write -P 0x51 6200k 1k",
    ],
    [
      // Data again where it had gone, and zeroes by hand.
      "write -P 0x61 2M 64k", "write -P 0x62 6M 64k", "write -P 0 9M 64k", "write -z 0 512",
      "discard 0 8M", "write -P 0x63 7M 4k",
    ],
  ]

  @Test(arguments: LibvirtMode.available)
  func `a full and five incrementals are restored byte for byte`(mode: LibvirtMode) throws {
    // Neither capacity is a multiple of what a job copies.
    let disks = [
      TestDisk("vda", .qcow2, size: (20 << 20) + 4096),
      TestDisk("vdb", .raw, size: (18 << 20) + 512),
    ]
    let history = try History(PrivateLibvirt.shared(mode), disks: disks)
    defer { history.remove() }
    let domain = history.domain
    for (number, changes) in Self.changes.enumerated() {
      for disk in disks {
        for change in changes { try domain.write(disk.target, change) }
        // The last, shorter piece of the disk changes too.
        let tail = disk.size - 512
        let command = number == 3 ? "write -z -u" : "write -P \(number + 1)"
        try domain.write(disk.target, "\(command) \(tail) 512")
      }
      let info = try history.backUp("p\(number)")
      #expect(info.targets == ["vda", "vdb"])
      #expect(info.type == (number == 0 ? "full" : "incremental"))
      #expect(info.reasons == (number == 0 ? ["vda first", "vdb first"] : []))
      #expect(info.parent == (number == 0 ? nil : "p\(number - 1)"))
      for disk in disks { #expect(info.disk(disk.target)?.capacity == disk.size) }
    }
    try expect(history.listed(), history.points)
    try expect(domain.leftovers(), [])
    // Whatever comes later changes no point.
    try domain.write("vda", "write -P 0x77 0 16M")
    try domain.write("vdb", "write -P 0x77 0 16M")
    try expect(history.differences(), [])
    try domain.destroy()
    try expect(domain.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `an incremental holds what changed and no more`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    for target in ["vda", "vdb"] { try history.domain.write(target, "write -P 1 0 8M") }
    let full = try history.backUp("full")
    for target in ["vda", "vdb"] { try history.domain.write(target, "write -P 2 1M 1M") }
    let incremental = try history.backUp("incremental")
    let nothing = try history.backUp("nothing", "--incremental")
    for target in ["vda", "vdb"] {
      let sizes = [full, incremental, nothing].compactMap { $0.disk(target)?.size }
      #expect(sizes.count == 3)
      #expect(sizes[0] >= 8 << 20)
      #expect(sizes[1] >= 1 << 20 && sizes[1] < 2 << 20)
      #expect(sizes[2] < 1 << 20)
    }
    try expect(history.differences(of: ["nothing"]), [])
  }
}
