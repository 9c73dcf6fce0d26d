// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Vsh

/// A file that others read at any time: it is replaced whole or not at all.
struct ReplacedFile {
  /// Path of the file.
  let path: String

  /// Directory of the file.
  private var directory: String {
    let end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    return end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }

  private var name: String {
    let end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    return String(end.map { path[path.utf8.index(after: $0)...] } ?? path[...])
  }

  /// Checks that it can be written, before hours are spent on what goes into it.
  ///
  /// - Throws: `ShellError` where it cannot.
  func check() throws {
    var status = stat()
    guard !name.isEmpty, stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw ShellError("Failed to write file '\(path)': it is not a regular file")
    }
    guard access(directory, W_OK | X_OK) == 0 else { throw failure }
  }

  /// Text of the file, about 16 MiB of it at most; empty where the file cannot be read.
  var content: String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while content.count < 16 << 20 {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      content += buffer.prefix(count)
    }
    return String(rawBytes: content)
  }

  /// Replaces it (rename(2)).
  ///
  /// - Throws: `ShellError` where that fails; the file is what it was then.
  func write(_ text: String) throws {
    // No reader of a directory takes a hidden file for one of its own.
    let temporary = "\(directory)/.\(name).\(getpid())"
    // A file that somebody else put there is removed, so that nothing is written into it.
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure }
    // Others read it, whatever the umask is.
    _ = fchmod(descriptor, 0o644)
    var isWritten = text.withRawBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeBufferPointer(rebasing: rest)
        let count = Glibc.write(descriptor, part.baseAddress, part.count)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }
    isWritten = isWritten && fsync(descriptor) == 0
    let code = errno
    close(descriptor)
    errno = code
    guard isWritten, rename(temporary, path) == 0 else {
      let error = failure
      unlink(temporary)
      throw error
    }
  }

  private var failure: ShellError {
    ShellError("Failed to write file '\(path)': \(String(cString: strerror(errno)))")
  }
}
