// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import Synchronization

/// What a disk must contain: a sparse raw file to which the test applies what the guest does.
package final class ReferenceImage: Sendable {
  /// The raw file.
  package let path: String
  /// Discards take effect on whole blocks of this size only, as a qcow2 image's clusters.
  private let discardUnit: UInt64
  private let copies = Mutex(0)

  /// Makes the model of an empty disk.
  ///
  /// - Parameters:
  ///   - path: The raw file to make.
  ///   - size: The disk's capacity.
  ///   - discardUnit: The cluster size for qcow2, 1 for raw.
  /// - Throws: `CommandError` when the file cannot be made.
  package init(path: String, size: UInt64, discardUnit: UInt64) throws {
    self.path = path
    self.discardUnit = discardUnit
    try Command.run("truncate", ["-s", "\(size)", path]).expectSuccess()
  }

  private init(path: String, discardUnit: UInt64) {
    self.path = path
    self.discardUnit = discardUnit
  }

  /// The disk's capacity.
  package var size: UInt64 {
    var information = stat()
    return stat(path, &information) == 0 ? UInt64(information.st_size) : 0
  }

  /// Does to the model what the guest does to the disk.
  ///
  /// - Throws: When the file cannot be written.
  package func apply(_ change: DiskChange) throws {
    switch change {
    case .write(let pattern, let offset, let length):
      try fill(pattern, from: offset, to: offset + length)
    case .zero(let offset, let length, _):
      try punch(from: offset, to: offset + length)
    case .discard(let offset, let length):
      // The last, shorter cluster of an image counts as a whole one.
      let end = offset + length
      let last = end == size ? end : end / discardUnit * discardUnit
      let first = (offset + discardUnit - 1) / discardUnit * discardUnit
      if first < last { try punch(from: first, to: last) }
    }
  }

  /// Changes the capacity, as a resize of the disk does.
  ///
  /// - Throws: `CommandError` when the file cannot be resized.
  package func resize(to size: UInt64) throws {
    try Command.run("truncate", ["-s", "\(size)", path]).expectSuccess()
  }

  /// A copy of this instant, for a later comparison.
  ///
  /// - Throws: `CommandError` when there is no room.
  package func save() throws -> ReferenceImage {
    let number = copies.withLock { number -> Int in
      number += 1
      return number
    }
    let copy = "\(path).\(number)"
    try Command.run("cp", ["--reflink=auto", "--sparse=always", path, copy]).expectSuccess()
    return ReferenceImage(path: copy, discardUnit: discardUnit)
  }

  /// Nothing when an image has the same bytes and the same capacity; else the difference.
  ///
  /// No QEMU may hold the image: what is on the disk is then older than what the guest sees.
  ///
  /// - Throws: When the image cannot be read.
  package func difference(from image: String, format: TestDisk.Format) throws -> String? {
    let capacity = try Self.capacity(of: image, format: format)
    guard capacity == size else { return "\(image) has \(capacity) bytes, expected \(size)" }
    let result = try Command.run(
      "qemu-img", ["compare", "-f", "raw", "-F", format.rawValue, path, image])
    return result.status == 0 ? nil : "\(image): \(result.stdout)\(result.stderr)"
  }

  /// The capacity an image promises.
  ///
  /// - Throws: When the image cannot be read.
  package static func capacity(of image: String, format: TestDisk.Format) throws -> UInt64 {
    let text = try Command.run(
      "qemu-img", ["info", "--output", "json", "-f", format.rawValue, image]
    ).expectSuccess().stdout
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    guard let size = object?["virtual-size"] as? NSNumber else {
      throw CommandError("no virtual size: \(text)")
    }
    return size.uint64Value
  }

  private func fill(_ pattern: UInt8, from start: UInt64, to end: UInt64) throws {
    let file = try FileHandle(forUpdating: URL(filePath: path))
    defer { try? file.close() }
    try file.seek(toOffset: start)
    var left = end - start
    while left > 0 {
      let count = min(left, 1 << 20)
      try file.write(contentsOf: Data(repeating: pattern, count: Int(count)))
      left -= count
    }
  }

  private func punch(from start: UInt64, to end: UInt64) throws {
    try Command.run(
      "fallocate",
      ["--punch-hole", "--offset", "\(start)", "--length", "\(end - start)", path]
    ).expectSuccess()
  }
}
