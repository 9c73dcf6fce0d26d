// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension StorageVolume {
  /// Writes bytes into the volume, as they are, whatever its format.
  ///
  /// What the volume held before and behind them stays. The corresponding libvirt function is
  /// `virStorageVolUpload`.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - offset: Where the first of them goes.
  /// - Throws: ``LibvirtError``; then any part of them may have been written.
  package func upload(_ bytes: [UInt8], offset: UInt64 = 0) throws(LibvirtError) {
    // To libvirt a length of 0 means as much as there is.
    if bytes.isEmpty { return }
    let stream = try Stream(connection: connection)
    try checking("virStorageVolUpload", detail: name) {
      unsafe virStorageVolUpload(handle, stream.handle, offset, UInt64(bytes.count), 0)
    }
    try stream.send(bytes)
    try stream.finish()
  }

  /// Reads all bytes of the volume, as they are, and hands them on as they come.
  ///
  /// The corresponding libvirt function is `virStorageVolDownload`.
  ///
  /// - Parameter body: Is given some bytes.
  /// - Throws: ``LibvirtError``, of the code `.operationDenied` on a read-only connection; what the body
  ///   throws.
  package func download(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let stream = try Stream(connection: connection)
    try checking("virStorageVolDownload", detail: name) {
      unsafe virStorageVolDownload(handle, stream.handle, 0, 0, 0)
    }
    try unsafe stream.receive(body)
    try stream.finish()
  }

  /// Reads bytes out of the volume, as they are, whatever its format.
  ///
  /// The corresponding libvirt function is `virStorageVolDownload`.
  ///
  /// - Parameters:
  ///   - offset: Where to begin.
  ///   - length: How many to read at most; nil to read to the end.
  /// - Returns: The bytes, fewer than asked for where the volume ends.
  /// - Throws: ``LibvirtError``, of the code `.operationDenied` on a read-only connection.
  package func download(
    offset: UInt64 = 0, length: Int? = nil
  ) throws(LibvirtError) -> [UInt8] {
    // To libvirt a length of 0 means as much as there is.
    if let length, length <= 0 { return [] }
    let stream = try Stream(connection: connection)
    try checking("virStorageVolDownload", detail: name) {
      unsafe virStorageVolDownload(handle, stream.handle, offset, UInt64(length ?? 0), 0)
    }
    let bytes = try stream.receiveAll(limit: length ?? .max)
    try stream.finish()
    return bytes
  }
}
