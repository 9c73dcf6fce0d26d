// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
package import Glibc
import Synchronization

/// A libvirtd of the tests' own; nothing of the host's libvirt is read, written or stopped.
///
/// A shell script is its parent and outlives this process: when the pipe between them ends, however
/// that comes about, it kills the daemon and every QEMU, unmounts and removes every file.
package final class PrivateLibvirt: Sendable {
  private struct State {
    var orders: Int32
    var answers: Int32
    var script: pid_t
    var daemon: pid_t?
    var names = 0
  }
  private static let instances = Mutex<[LibvirtMode: PrivateLibvirt]>([:])

  /// Session or system.
  package let mode: LibvirtMode
  /// The directory that holds everything of this daemon.
  package let directory: String
  /// The URI by which any process of this machine reaches the daemon.
  package let uri: String
  /// The user QEMU runs as.
  package let uid: uid_t
  /// The group QEMU runs as.
  package let gid: gid_t
  /// A process inside the daemon's mount namespace; nil in session mode.
  package let namespaceHolder: pid_t?
  /// The URI by which it is another host, and the interface of this one that leads there; nil unless
  /// it was started so.
  package let remote: (uri: String, link: String)?
  private let state: Mutex<State>

  /// The daemon that all tests of this process share, started by the first one.
  ///
  /// Tests that restart or kill the daemon start one of their own.
  ///
  /// - Throws: `CommandError` when the daemon does not start.
  package static func shared(_ mode: LibvirtMode) throws -> PrivateLibvirt {
    try instances.withLock { instances in
      if let existing = instances[mode] { return existing }
      if instances.isEmpty {
        atexit {
          for instance in PrivateLibvirt.instances.withLock({ $0 }).values { instance.close() }
        }
      }
      let new = try PrivateLibvirt(mode)
      instances[mode] = new
      return new
    }
  }

  /// Starts a daemon.
  ///
  /// - Parameters:
  ///   - mode: Session or system.
  ///   - isRemote: Whether it is reached by TCP too, in a network namespace of its own: root only,
  ///     in system mode.
  /// - Throws: `CommandError` when it does not start; the script's own words are on standard error.
  package init(_ mode: LibvirtMode, isRemote: Bool = false) throws {
    let orders = try Channel(), answers = try Channel()
    let script = try Command.spawn(
      [Self.file("private-libvirt"), mode.rawValue] + (isRemote ? ["remote"] : []),
      environment: [:],
      descriptors: [orders.reading, answers.writing, STDERR_FILENO])
    Glibc.close(orders.reading)
    Glibc.close(answers.writing)
    var values: [String: String] = [:]
    var daemon: pid_t?
    while daemon == nil, let line = Self.readLine(answers.reading) {
      if let equals = line.firstIndex(of: "=") {
        values[String(line[..<equals])] = String(line[line.index(after: equals)...])
      } else {
        daemon = Self.daemonPID(line)
      }
    }
    guard let daemon, let directory = values["dir"], let uri = values["uri"],
      let uid = values["uid"].flatMap({ uid_t($0) }), let gid = values["gid"].flatMap({ gid_t($0) })
    else {
      Glibc.close(orders.writing)
      Glibc.close(answers.reading)
      waitpid(script, nil, 0)
      throw CommandError("no private libvirtd in \(mode.rawValue) mode")
    }
    self.mode = mode
    self.directory = directory
    self.uri = uri
    self.uid = uid
    self.gid = gid
    namespaceHolder = values["holder"].flatMap { pid_t($0) }
    remote = values["remote"].flatMap { uri in values["link"].map { (uri, $0) } }
    state = Mutex(
      State(orders: orders.writing, answers: answers.reading, script: script, daemon: daemon))
  }

  deinit { close() }

  /// A file beside the sources of the test support.
  package static func file(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: name).path
  }

  // MARK: - The daemon's life

  /// The daemon's process id; nil while it is stopped.
  package var daemonPID: pid_t? { state.withLock { $0.daemon } }

  /// Stops the daemon with SIGTERM and starts it again; domains run on.
  ///
  /// - Throws: `CommandError` when it does not come back.
  package func restart() throws { try order("restart") }

  /// Kills the daemon with SIGKILL; domains run on.
  ///
  /// - Throws: `CommandError` when the script is gone.
  package func kill() throws { try order("kill") }

  /// Starts the daemon after `kill`.
  ///
  /// - Throws: `CommandError` when it does not start.
  package func start() throws { try order("start") }

  /// Ends the daemon and all its domains, and removes all its files.
  package func close() {
    let script = state.withLock { state -> pid_t in
      guard state.script > 0 else { return 0 }
      defer { state.script = 0 }
      Glibc.close(state.orders)
      Glibc.close(state.answers)
      return state.script
    }
    if script > 0 { waitpid(script, nil, 0) }
  }

  private func order(_ order: String) throws {
    try state.withLock { state in
      guard state.script > 0 else { throw CommandError("\(order): the private libvirtd is closed") }
      _ = withoutPipeSignal { write(state.orders, order + "\n", order.utf8.count + 1) }
      let answer = Self.readLine(state.answers)
      state.daemon = answer.flatMap { Self.daemonPID($0) }
      guard state.daemon != nil || answer == "stopped" else {
        throw CommandError("\(order): the private libvirtd answers \(answer ?? "nothing")")
      }
    }
  }

  private static func daemonPID(_ line: String) -> pid_t? {
    line.hasPrefix("ready ") ? pid_t(line.dropFirst("ready ".count)) : nil
  }

  private static func readLine(_ descriptor: Int32) -> String? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(descriptor, &byte, 1) == 1 {
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    return nil
  }

  // MARK: - Names and places

  /// A name nobody has had yet, for a domain, a pool or a directory.
  package func uniqueName(_ stem: String) -> String {
    state.withLock {
      $0.names += 1
      return "\(stem)\($0.names)"
    }
  }

  /// Makes a directory for a test's files, owned by the daemon's user.
  ///
  /// - Throws: `CommandError` when the directory cannot be made.
  package func makeDirectory(_ stem: String = "d") throws -> String {
    let path = "\(directory)/t/\(uniqueName(stem))"
    guard mkdir(path, 0o755) == 0 else { throw CommandError("cannot make \(path)") }
    try giveToDaemon(path)
    return path
  }

  /// Gives a file to the user the daemon runs as: in session mode QEMU's user, else root.
  ///
  /// - Throws: `CommandError` when the owner cannot be changed.
  package func giveToDaemon(_ path: String) throws {
    guard mode == .session, getuid() == 0 else { return }
    guard chown(path, uid, gid) == 0 else { throw CommandError("cannot change owner of \(path)") }
  }

  /// The path by which this process reaches a file that the daemon or a QEMU names.
  package func hostPath(_ path: String) -> String {
    guard mode == .system else { return path }
    let moved = ["/var/", "/run/"].contains { path.hasPrefix($0) }
    return moved ? directory + path : path
  }
}
