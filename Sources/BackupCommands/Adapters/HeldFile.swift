// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// A regular file that can be told from any other, whatever becomes of its name.
final class HeldFile {
  /// The open file; negative where we may not open it.
  private let descriptor: Int32
  private let status: stat

  /// Takes hold of the file of a path; nil where there is no regular file.
  ///
  /// While it is open no other file can get its number.
  init?(_ path: String) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    var status = stat()
    let found = descriptor >= 0 ? fstat(descriptor, &status) : lstat(path, &status)
    self.status = status
    guard found == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Tells that a path is its name now.
  func isNamed(_ path: String) -> Bool {
    var now = stat()
    return lstat(path, &now) == 0 && now.st_dev == status.st_dev && now.st_ino == status.st_ino
  }

  /// The file is blank while nothing seems to be written to it: libvirt makes a volume of zeroes.
  var isBlank: Bool {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    return count <= 0 || bytes.prefix(count).allSatisfy { $0 == 0 }
  }
}
