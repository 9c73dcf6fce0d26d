// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Libvirt
import Vsh

/// What the commands work on: the connection, and what was said about it on the command line.
package final class Client {
  /// The URI asked for; nil for libvirt's choice.
  private(set) var uri: String?
  /// Whether the connection may change nothing.
  private(set) var isReadOnly: Bool
  /// `-k` and `-K`.
  let keepalive: (interval: Int32?, count: UInt32?)
  /// What ^C does while a command works.
  let interrupt = Interrupt()
  /// Value of `$VIRSH_BACKUP_POOL`.
  let defaultPool: String?
  /// Who is told what `-d` asks for.
  weak var shell: Shell<Client>?
  /// The connection, which may be lost; nil before the first command and after a failure.
  private var current: Connection?
  /// Gets the reason when the current connection is lost.
  private var closeEvents: CloseEventQueue?
  /// Whether the last connection was lost, and none made since.
  private var isLost = false

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
  /// One that is lost is returned all the same, until the next command: its calls fail.
  ///
  /// - Throws: `ShellError` with virsh's lines.
  func connection() throws -> Connection {
    try current ?? open(uri, readOnly: isReadOnly)
  }

  /// Sees to it that there is a connection for the next command, as virsh does before each.
  ///
  /// - Throws: `ShellError` with virsh's lines.
  func connect(for shell: Shell<Client>) throws {
    noteLoss(on: shell)
    if isLost || current == nil {
      let isAgain = current != nil
      try open(uri, readOnly: isReadOnly)
      if isAgain { shell.error("Reconnected to the hypervisor") }
    }
    // It counts as dead only where libvirt says so.
    if let current, (try? current.isAlive) == false { throw ShellError("no valid connection") }
  }

  /// Ends the connection and makes another, which the commands that follow use if it can be made.
  ///
  /// - Parameters:
  ///   - name: The URI; nil for the one that was named last.
  ///   - readOnly: Whether it may change nothing; without a name what was may not change stays so.
  /// - Throws: `ShellError` with virsh's lines.
  func connect(to name: String?, readOnly: Bool) throws {
    let uri = name ?? self.uri
    let isReadOnly = readOnly || (name == nil && self.isReadOnly)
    try open(uri, readOnly: isReadOnly)
    self.uri = uri
    self.isReadOnly = isReadOnly
  }

  /// The options of the program that make the same connection, as it stands now.
  var connectionOptions: [String] {
    (uri.map { ["-c", $0] } ?? []) + (isReadOnly ? ["-r"] : [])
      + (keepalive.interval.map { ["-k", String($0)] } ?? [])
      + (keepalive.count.map { ["-K", String($0)] } ?? [])
  }

  @discardableResult
  private func open(_ uri: String?, readOnly: Bool) throws -> Connection {
    closeEvents = nil
    current = nil
    let failure = "\(isLost ? "Failed to reconnect" : "failed to connect") to the hypervisor"
    let connection: Connection
    do {
      connection = try Connection.open(uri: uri, readOnly: readOnly)
    } catch {
      throw ShellError(failure, because: error)
    }
    try keepAlive(connection, failure: failure)
    closeEvents = try? connection.closeEvents()
    current = connection
    isLost = false
    return connection
  }

  /// Has a hypervisor noticed that vanishes without a word.
  ///
  /// - Throws: `ShellError` where that is impossible and was asked for.
  private func keepAlive(_ connection: Connection, failure: String) throws {
    let interval = keepalive.interval ?? 5
    guard interval > 0 else { return }
    var lines = [
      "Cannot setup keepalive on connection as requested, disconnecting", failure,
    ]
    do {
      if try connection.setKeepAlive(interval: interval, count: keepalive.count ?? 6) { return }
    } catch {
      lines += ShellError.lines(of: error)
    }
    if keepalive.interval != nil || keepalive.count != nil { throw ShellError(lines: lines) }
    shell?.debug(.info, "Failed to setup keepalive on connection")
  }

  // MARK: - Loss

  /// A descriptor that is readable when the connection was lost; nil where there is none to lose.
  var lossDescriptor: Int32? { isLost ? nil : closeEvents?.fileDescriptor }

  /// Says that the connection was lost, once.
  ///
  /// - Parameter shell: The shell.
  func noteLoss(on shell: Shell<Client>) {
    guard !isLost, let current, let closeEvents else { return }
    // A call that fails may be ahead of the event.
    let isAlive = (try? current.isAlive) ?? true
    let cause: String
    switch closeEvents.next(timeoutMilliseconds: isAlive ? 0 : 1000) {
    case .error: cause = "I/O error"
    case .endOfFile: cause = "end of file"
    case .keepalive: cause = "keepalive timeout"
    case .client, nil: return
    }
    isLost = true
    shell.error("Disconnected from \((try? current.uri) ?? "") due to \(cause)")
  }

  // MARK: - Domains

  /// Finds a domain by id, UUID or name, in this order.
  ///
  /// - Throws: `ShellError` with virsh's lines.
  func domain(_ text: String) throws -> Domain {
    do {
      return try find(text)
    } catch let error as LibvirtError where error.code == .noDomain {
      // As virsh, which leaves out what says no more.
      throw ShellError("failed to get domain '\(text)'")
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
    note(.info, "found option <domain>: \(text)")
    // A name may be a number, or look like a UUID.
    if let id = Int32(text), id >= 0 {
      note(.debug, "<domain> looks like ID")
      if let domain = try unless(.noDomain, look: { try connection.domain(id: id) }) {
        return domain
      }
    }
    if text.utf8.count == 36 {
      note(.debug, "<domain> trying as domain UUID")
      if let domain = try unless(
        .noDomain, .invalidArg, look: { try connection.domain(uuid: text) })
      {
        return domain
      }
    }
    note(.debug, "<domain> trying as domain NAME")
    return try connection.domain(name: text)
  }

  private func note(_ level: LogLevel, _ text: String) {
    if let shell { shell.debug(level, "\(shell.runningCommand): \(text)") }
  }
}

/// A command of this program.
typealias Command = Vsh.Command<Client>
/// An option of such a command.
typealias Option = Vsh.Option<Client>
