// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import Libvirt
import Vsh

/// What the commands work on: the connection, and what was said about it on the command line.
package final class Client {
  /// The URI asked for; nil for libvirt's choice.
  var uri: String?
  /// Whether the connection may change nothing.
  var isReadOnly: Bool
  /// `-k` and `-K`.
  var keepalive: (interval: Int32?, count: UInt32?)
  /// What ^C does while a command works.
  let interrupt = Interrupt()
  /// Value of `$VIRSH_BACKUP_POOL`.
  let defaultPool: String?
  private var current: Connection?

  /// Makes a client that is not connected.
  package init(
    uri: String?, isReadOnly: Bool, keepalive: (interval: Int32?, count: UInt32?),
    defaultPool: String?
  ) {
    self.uri = uri
    self.isReadOnly = isReadOnly
    self.keepalive = keepalive
    self.defaultPool = defaultPool
  }

  /// The connection, made if there is none.
  ///
  /// - Throws: `ShellError` with virsh's lines.
  func connection() throws -> Connection {
    if let current { return current }
    do {
      try EventLoop.start()
      let connection = try Connection.open(uri: uri, readOnly: isReadOnly)
      // Without keepalive a hypervisor that vanishes is never noticed.
      _ = try? connection.setKeepAlive(
        interval: keepalive.interval ?? 5, count: keepalive.count ?? 6)
      current = connection
      return connection
    } catch {
      throw ShellError("failed to connect to the hypervisor", because: error)
    }
  }

  /// Ends the connection; the next command makes a new one.
  func disconnect() { current = nil }

  /// Finds a domain by id, UUID or name, in this order.
  ///
  /// - Throws: `ShellError` with virsh's lines.
  func domain(_ text: String) throws -> Domain {
    do {
      return try find(text)
    } catch {
      throw ShellError("failed to get domain '\(text)'", because: error)
    }
  }

  /// Finds a domain like ``domain(_:)``; nil when there is none.
  func domainIfAny(_ text: String) throws -> Domain? {
    try unless(.noDomain) { try find(text) }
  }

  private func find(_ text: String) throws -> Domain {
    let connection = try connection()
    // A name may be a number, or look like a UUID.
    if let id = Int32(text), id >= 0,
      let domain = try unless(.noDomain, look: { try connection.domain(id: id) })
    {
      return domain
    }
    if text.count == 36,
      let domain = try unless(
        .noDomain, .invalidArg, look: { try connection.domain(uuid: text) })
    {
      return domain
    }
    return try connection.domain(name: text)
  }
}

/// A command of this program.
typealias Command = Vsh.Command<Client>
/// An option of such a command.
typealias Option = Vsh.Option<Client>
