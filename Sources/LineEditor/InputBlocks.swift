// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import CReadline
private import Glibc

/// Reads an input that is no terminal in blocks, where readline takes three system calls for a byte.
///
/// A block ends with a line: what follows may be for a program that the line starts, and must be left
/// in the input. So what is there is looked at first, which works with pipes and files.
struct InputBlocks: ~Copyable {
  private static let size = 65536

  private let descriptor: Int32
  /// A pipe that gets a copy of what is in the input's.
  private let copy: (reading: Int32, writing: Int32)
  private var buffer = [UInt8](repeating: 0, count: Self.size)
  private var rest: Range<Int> = 0..<0

  /// Prepares for an input; nil for a terminal, and where there are no descriptors left.
  init?(_ descriptor: Int32) {
    var ends: [Int32] = [-1, -1]
    guard isatty(descriptor) == 0, pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    self.descriptor = descriptor
    copy = (ends[0], ends[1])
  }

  deinit {
    close(copy.reading)
    close(copy.writing)
  }

  /// The next byte of the block; nil where it is used up.
  mutating func popFirst() -> UInt8? {
    guard let first = rest.first else { return nil }
    rest = first + 1..<rest.upperBound
    return buffer[first]
  }

  /// Reads the next block, and waits for it if need be.
  ///
  /// There is none at the end, after a signal, and where the input is neither a pipe nor a file.
  mutating func fill() {
    let seen = peek()
    guard seen > 0 else { return }
    let end = buffer[..<seen].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? seen
    rest = 0..<max(read(descriptor, &buffer, end), 0)
  }

  /// Copies what comes next in the input to the buffer, and says how much that is.
  private mutating func peek() -> Int {
    let position = lseek(descriptor, 0, SEEK_CUR)
    guard position < 0 else { return pread(descriptor, &buffer, buffer.count, position) }
    let count = virshBackupCopyPipe(descriptor, copy.writing, buffer.count)
    return count > 0 ? read(copy.reading, &buffer, count) : 0
  }
}
