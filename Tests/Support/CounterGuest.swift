// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// A guest of 512 bytes that counts on two disks without pause; its source is `counter.S`.
///
/// It writes a counter to sector 64 of the first disk, then of the second, so that at any instant the
/// first is ahead by 0 or 1, and then to the next cluster of 64 KiB on each.
package final class CounterGuest: Sendable {
  /// The file to which the guest reports each write.
  package let reportPath: String
  private let program: String

  /// Assembles the guest.
  ///
  /// - Throws: `CommandError` when the source does not assemble.
  init(_ libvirt: PrivateLibvirt, directory: String) throws {
    // QEMU makes the file itself, in a directory its user may write to.
    let reports = try libvirt.makeDirectory("guest")
    if libvirt.mode == .system {
      try Command.run("chown", ["\(libvirt.uid):\(libvirt.gid)", reports]).expectSuccess()
    }
    reportPath = "\(reports)/report"
    program = "\(directory)/counter.bin"
    let object = "\(directory)/counter.o"
    try Command.run("as", ["--32", "-o", object, PrivateLibvirt.file("counter.S")]).expectSuccess()
    try Command.run(
      "ld", ["-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", program, object]
    ).expectSuccess()
  }

  /// The part of a domain's definition that takes the guest's reports.
  var commandLine: String {
    """
    <qemu:commandline>
      <qemu:arg value='-debugcon'/>
      <qemu:arg value='file:\(reportPath)'/>
    </qemu:commandline>
    """
  }

  /// Writes the guest over the first sector of an image.
  ///
  /// - Parameters:
  ///   - image: The image of the disk the domain boots from.
  ///   - format: Its format.
  ///   - size: The smaller capacity of the two disks.
  /// - Throws: `CommandError` when the image cannot be written.
  package func install(on image: String, _ format: TestDisk.Format, size: UInt64) throws {
    var sector = try Data(contentsOf: URL(filePath: program))
    guard sector.count == 512, size >= 2 << 16 else {
      throw CommandError("the guest does not fit: \(sector.count) bytes, disk of \(size)")
    }
    // The number of clusters to go round in, after the first one.
    let clusters = UInt16(min(size >> 16, 65536) - 1)
    sector[506] = UInt8(truncatingIfNeeded: clusters)
    sector[507] = UInt8(truncatingIfNeeded: clusters >> 8)
    try sector.write(to: URL(filePath: program))
    try Command.run(
      "qemu-io", ["-f", format.rawValue, "-c", "write -q -s \(program) 0 512", image]
    ).expectSuccess()
  }

  /// What the guest has reported since the domain was last started.
  package func report() -> (good: Int, failed: Int) {
    let bytes = FileManager.default.contents(atPath: reportPath) ?? Data()
    return (
      bytes.count { $0 == UInt8(ascii: "+") }, bytes.count { $0 == UInt8(ascii: "-") }
    )
  }

  /// Waits until the guest has written so many times more.
  ///
  /// - Throws: `CommandError` when it does not in time.
  package func awaitWrites(_ count: Int, within deadline: Duration = .seconds(60)) throws {
    let before = report().good
    try eventually("\(count) more writes of the guest", within: deadline) {
      report().good >= before + count
    }
  }

  /// The counter in an image no QEMU holds.
  ///
  /// - Throws: `CommandError` when the sector was not written as a whole.
  package static func counter(in image: String, _ format: TestDisk.Format) throws -> UInt32 {
    // `qemu-img dd` gives the one sector, through all backing files.
    let copy = FileManager.default.temporaryDirectory.appending(path: "vb-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: copy) }
    try Command.run(
      "qemu-img",
      [
        "dd", "-f", format.rawValue, "-O", "raw", "bs=512", "skip=64", "count=65",
        "if=\(image)", "of=\(copy.path)",
      ]
    ).expectSuccess()
    let bytes = [UInt8](try Data(contentsOf: copy))
    guard bytes.count >= 8 else { throw CommandError("no sector 64 in \(image)") }
    let words = [0, 4].map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }
    guard words[0] == ~words[1] else { throw CommandError("torn sector 64 in \(image): \(words)") }
    return words[0]
  }
}
