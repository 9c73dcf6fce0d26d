// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Synchronization

/// The program where another user can run it: a checkout or a toolchain in a closed home directory
/// is out of reach for the unprivileged user of a session.
struct ProgramCopy: Sendable {
  /// The program, itself or a copy.
  let path: String
  /// What makes a copy find its libraries.
  let environment: [String: String]

  private static let copies = Mutex<[String: ProgramCopy]>([:])

  /// Finds out whether the user whom a prefix stands for can run the program, and copies it if not.
  static func reachable(_ path: String, _ libvirt: PrivateLibvirt, prefix: [String])
    throws(CommandError) -> ProgramCopy
  {
    let itself = ProgramCopy(path: path, environment: [:])
    guard let user = prefix.first, prefix.contains("setpriv") else { return itself }
    let key = "\(libvirt.directory) \(path)"
    if let known = copies.withLock({ $0[key] }) { return known }
    let trial = try Command.run(user, prefix.dropFirst() + ["ldd", path])
    let works = trial.status == 0 && !trial.stdout.contains("not found")
    let result = try works ? itself : copy(path, to: libvirt)
    return copies.withLock { copies in
      copies[key] = copies[key] ?? result
      return copies[key] ?? result
    }
  }

  /// Copies the program and those of its libraries that are not the system's.
  private static func copy(_ path: String, to libvirt: PrivateLibvirt) throws(CommandError)
    -> ProgramCopy
  {
    let directory = "\(libvirt.directory)/t/\(libvirt.uniqueName("program"))"
    let libraries = try Command.run("ldd", [path]).expectSuccess().stdout.split(separator: "\n")
      .compactMap { line in line.firstMatch(of: /=> (\/\S+)/).map { String($0.1) } }
      .filter { library in !["/lib", "/usr/"].contains { library.hasPrefix($0) } }
    try Command.run("mkdir", ["-m", "0755", directory]).expectSuccess()
    try Command.run("cp", ["-L", path] + libraries + [directory]).expectSuccess()
    try Command.run("chmod", ["-R", "a+rX", directory]).expectSuccess()
    let name = URL(filePath: path).lastPathComponent
    return ProgramCopy(
      path: "\(directory)/\(name)", environment: ["LD_LIBRARY_PATH": directory])
  }
}
