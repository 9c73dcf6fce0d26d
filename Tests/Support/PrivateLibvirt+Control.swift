// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
package import Glibc

// What tests ask of the daemon, by the stock `virsh`: independent of the code under test.
extension PrivateLibvirt {
  /// Runs a virsh command.
  ///
  /// - Returns: What it printed.
  /// - Throws: `CommandError` when it failed.
  @discardableResult
  package func virsh(_ arguments: String...) throws -> String {
    try virsh(arguments)
  }

  /// Runs a virsh command given as an array.
  ///
  /// - Returns: What it printed.
  /// - Throws: `CommandError` when it failed.
  @discardableResult
  package func virsh(_ arguments: [String]) throws -> String {
    try Command.run("virsh", ["-q", "-c", uri] + arguments).expectSuccess().stdout
  }

  /// The first number of the version of the QEMU that the daemon starts.
  ///
  /// - Throws: `CommandError` when libvirt cannot tell.
  package func qemuVersion() throws -> Int {
    // Its last line is `Running hypervisor: QEMU 7.2.22`.
    let numbers = try virsh("version").split(separator: "QEMU ").last?.prefix { $0.isNumber }
    guard let number = numbers.flatMap({ Int($0) }) else {
      throw CommandError("no version of QEMU")
    }
    return number
  }

  /// Tells that a guest of several disks is suspended at the instant of a backup.
  ///
  /// - Throws: `CommandError` when libvirt does not say which QEMU it has.
  package func suspendsGuests() throws -> Bool { try qemuVersion() < 8 }

  /// Sends a QMP command to a domain's QEMU.
  ///
  /// - Parameters:
  ///   - domain: The domain's name.
  ///   - command: The command's name, `query-jobs`.
  ///   - arguments: Its arguments as JSON text.
  /// - Returns: The `return` member of the reply as JSON objects, arrays, strings and numbers.
  /// - Throws: `CommandError` with QEMU's description when QEMU refuses.
  @discardableResult
  package func monitor(_ domain: String, _ command: String, _ arguments: String? = nil) throws
    -> Any
  {
    let given = arguments.map { ", \"arguments\": \($0)" } ?? ""
    let reply = try virsh(
      "qemu-monitor-command", domain, "{\"execute\": \"\(command)\"\(given)}")
    let parsed = try JSONSerialization.jsonObject(with: Data(reply.utf8))
    guard let object = parsed as? [String: Any], let result = object["return"] else {
      throw CommandError("\(command): \(reply)")
    }
    return result
  }

  /// The QEMU processes of this daemon's domains, also those a killed daemon left.
  package func qemuPIDs() -> [pid_t] {
    let mark = "TMPDIR=\(directory)/tmp"
    return processes().filter { pid in
      guard program(of: pid)?.hasPrefix("qemu-system") == true else { return false }
      let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
      return environment.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
    }
  }

  /// The QEMU process of a running domain.
  package func qemuPID(domain: String) -> pid_t? {
    let directory =
      mode == .session
      ? "\(self.directory)/r/libvirt/qemu/run" : "\(self.directory)/run/libvirt/qemu"
    let text = try? String(contentsOfFile: "\(directory)/\(domain).pid", encoding: .utf8)
    return text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// Names of the defined and the running domains.
  ///
  /// - Throws: `CommandError` when the daemon does not answer.
  package func domainNames() throws -> [String] {
    try virsh("list", "--all", "--name").split(separator: "\n").map(String.init)
  }

  /// What QEMU and libvirt wrote to a domain's log, failed `qemu-io` commands among it.
  package func log(domain: String) -> String {
    let directory =
      mode == .session
      ? "\(self.directory)/k/libvirt/qemu/log" : "\(self.directory)/var/log/libvirt/qemu"
    return (try? String(contentsOfFile: "\(directory)/\(domain).log", encoding: .utf8)) ?? ""
  }

  /// What makes a program see the files that the daemon and its QEMUs see.
  package var namespacePrefix: [String] {
    namespaceHolder.map { ["nsenter", "--mount=/proc/\($0)/ns/mnt"] } ?? []
  }

  /// The command that runs another one as the user of a session's domains would, in its environment.
  ///
  /// In system mode, and for an ordinary user, the environment alone is that user's.
  package var clientPrefix: [String] {
    guard mode == .session else { return [] }
    var prefix = [
      "env", "HOME=\(directory)/h", "XDG_RUNTIME_DIR=\(directory)/r",
      "XDG_CONFIG_HOME=\(directory)/c", "XDG_CACHE_HOME=\(directory)/k",
      "XDG_DATA_HOME=\(directory)/s",
    ]
    if getuid() == 0 {
      prefix += ["setpriv", "--reuid=\(uid)", "--regid=\(gid)", "--clear-groups", "--"]
    }
    return prefix
  }

  private func processes() -> [pid_t] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { pid_t($0) }
  }

  private func program(of pid: pid_t) -> String? {
    try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
  }
}
