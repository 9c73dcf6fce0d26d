// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Glibc
import Vsh

/// A file of the client's machine that a user names: a document to be read.
struct LocalFile {
  private let path: String

  /// Names a file; `/dev/stdin` is one too.
  init(_ path: String) { self.path = path }

  /// The document in it.
  ///
  /// Of a file that is larger than any document only the beginning is read.
  ///
  /// - Throws: `ShellError` in virsh's words when it cannot be read, `DomainXMLError` when it is no
  ///   such document.
  func backupDefinition() throws -> BackupDefinition {
    try BackupDefinition(parsing: read(atMost: BackupDefinition.sizeLimit + 1))
  }

  /// The paths that begin so, but for hidden files.
  static func paths(from beginning: String) -> [String] {
    let end = beginning.lastIndex(of: "/").map { beginning.index(after: $0) }
    let directory = String(beginning[..<(end ?? beginning.startIndex)])
    let name = beginning[(end ?? beginning.startIndex)...]
    let names = (try? LocalDirectory(directory.isEmpty ? "." : directory)?.names()) ?? []
    return names.filter { $0.hasPrefix(name) }.sorted().map { directory + $0 }
  }

  /// Gives it a content, in place of another.
  ///
  /// - Throws: `ShellError` in virsh's words when it cannot be written.
  func write(_ content: [UInt8]) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("open") }
    var rest = content[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        defer { close(descriptor) }
        throw failure("write")
      }
      rest = rest.dropFirst(count)
    }
    guard close(descriptor) == 0 else { throw failure("write") }
  }

  private func read(atMost limit: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open") }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while content.count < limit {
      let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit - content.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read") }
      if count == 0 { break }
      content += buffer.prefix(count)
    }
    return content
  }

  private func failure(_ attempt: String) -> ShellError {
    let reason = errno
    // Whoever types one word after the domain means the backup's name as often.
    let isName = reason == ENOENT && !path.contains("/")
    return ShellError(
      lines: ["Failed to \(attempt) file '\(path)': \(String(cString: strerror(reason)))"],
      hints: isName ? ["To name the backup: --backupname \(Quoting.shell(path))"] : [])
  }
}
