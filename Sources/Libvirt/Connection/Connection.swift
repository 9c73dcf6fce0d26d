// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// A connection to a hypervisor.
///
/// Objects found through it keep it open. Calls block; they may be made from any thread.
@safe
package final class Connection: Sendable {
  // virConnectPtr may be used by several threads at once, and counts its references atomically.
  nonisolated(unsafe) let handle: OpaquePointer
  /// True when it was opened for reading only.
  package let isReadOnly: Bool

  /// Takes over a connection.
  ///
  /// - Parameters:
  ///   - handle: The connection, one reference of which is taken over.
  ///   - isReadOnly: Whether it was opened for reading only.
  init(adopting handle: OpaquePointer, isReadOnly: Bool) {
    unsafe self.handle = unsafe handle
    self.isReadOnly = isReadOnly
  }

  deinit {
    _ = withoutPipeSignal { unsafe virConnectClose(handle) }
  }

  /// Opens a connection, asking on the terminal for what authentication needs.
  ///
  /// Starts the event loop first. The corresponding libvirt function is `virConnectOpenAuth`.
  ///
  /// - Parameters:
  ///   - uri: Where to; nil for libvirt's default.
  ///   - readOnly: True to allow reading only.
  /// - Returns: The connection.
  /// - Throws: ``LibvirtError``, of the code `.noConnect` or `.systemError` where nobody listens.
  package static func open(
    uri: String?, readOnly: Bool = false
  ) throws(LibvirtError) -> Connection {
    try EventLoop.start()
    let flags = readOnly ? VIR_CONNECT_RO.rawValue : 0
    let handle = try unsafe checkingNil("virConnectOpenAuth", detail: uri ?? "") {
      unsafe virConnectOpenAuth(uri, virshBackupDefaultAuth(), flags)
    }
    return unsafe Connection(adopting: handle, isReadOnly: readOnly)
  }

  /// Makes the connection be closed when the other side is silent for too long.
  ///
  /// The corresponding libvirt function is `virConnectSetKeepAlive`.
  ///
  /// - Parameters:
  ///   - interval: Seconds of silence before a message is sent; 0 for none.
  ///   - count: Messages without an answer before the connection counts as broken.
  /// - Returns: False where the connection cannot do so (a local driver, an old daemon).
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver has no keepalive.
  @discardableResult
  package func setKeepAlive(interval: Int32, count: UInt32) throws(LibvirtError) -> Bool {
    try counting("virConnectSetKeepAlive") {
      unsafe virConnectSetKeepAlive(handle, interval, count)
    } == 0
  }
}
