// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// A blocking stream of bytes from or to the hypervisor's host.
///
/// Ends by ``finish()``, which tells whether the other side took everything; otherwise it is
/// aborted.
@safe
struct Stream: ~Copyable {
  /// The stream, used only by the one owner of this value.
  let handle: OpaquePointer

  /// Makes a stream.
  ///
  /// The corresponding libvirt function is `virStreamNew`.
  ///
  /// - Parameter connection: The connection it goes over.
  /// - Throws: ``LibvirtError``.
  init(connection: Connection) throws(LibvirtError) {
    unsafe self.handle = try unsafe checkingNil("virStreamNew", isLocal: true) {
      unsafe virStreamNew(connection.handle, 0)
    }
  }

  deinit {
    // Fails, and does no harm, on a stream that nothing was started on.
    try? checking("virStreamAbort") { unsafe virStreamAbort(handle) }
    _ = withoutPipeSignal { unsafe virStreamFree(handle) }
  }

  /// Sends bytes.
  ///
  /// The corresponding libvirt function is `virStreamSend`.
  ///
  /// - Parameter bytes: The bytes.
  /// - Throws: ``LibvirtError``.
  func send(_ bytes: [UInt8]) throws(LibvirtError) {
    var sent = 0
    while sent < bytes.count {
      sent += try counting("virStreamSend") {
        unsafe bytes.withUnsafeBytes { buffer in
          let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[sent...])
          return unsafe virStreamSend(
            handle, rest.assumingMemoryBound(to: CChar.self).baseAddress, rest.count)
        }
      }
    }
  }

  /// Receives bytes until there are no more, and hands them on as they come.
  ///
  /// The corresponding libvirt function is `virStreamRecv`.
  ///
  /// - Parameter body: Is given some bytes.
  /// - Throws: ``LibvirtError``; what the body throws.
  func receive(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    var chunk = [CChar](repeating: 0, count: 256 * 1024)
    while true {
      let count = try counting("virStreamRecv") {
        unsafe virStreamRecv(handle, &chunk, chunk.count)
      }
      if count == 0 { return }
      try unsafe chunk.withUnsafeBytes { bytes in
        try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      }
    }
  }

  /// Receives bytes until there are no more.
  ///
  /// The corresponding libvirt function is `virStreamRecv`.
  ///
  /// - Parameter limit: How many to take at most.
  /// - Returns: The bytes.
  /// - Throws: ``LibvirtError``.
  func receiveAll(limit: Int) throws(LibvirtError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [CChar](repeating: 0, count: 64 * 1024)
    while bytes.count < limit {
      let wanted = min(chunk.count, limit - bytes.count)
      let count = try counting("virStreamRecv") {
        unsafe virStreamRecv(handle, &chunk, wanted)
      }
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count].lazy.map { UInt8(bitPattern: $0) })
    }
    return bytes
  }

  /// Ends the stream, and waits until the other side has taken everything.
  ///
  /// The corresponding libvirt function is `virStreamFinish`.
  ///
  /// - Throws: ``LibvirtError`` when the other side failed.
  consuming func finish() throws(LibvirtError) {
    let handle = unsafe handle
    discard self
    defer { unsafe virStreamFree(handle) }
    try checking("virStreamFinish") { unsafe virStreamFinish(handle) }
  }
}
