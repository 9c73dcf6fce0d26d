// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Libvirt

/// A libvirtd of our own, which works as an unprivileged user in a temporary directory.
struct PrivateDaemon {
  /// Where it listens.
  let uri: String
  /// A directory it can write to.
  let directory: String
  private let process: Process

  /// True where there is one to be started.
  static var isAvailable: Bool {
    FileManager.default.isExecutableFile(atPath: program)
      && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")
  }

  private static let program = "/usr/sbin/libvirtd"

  /// Lends a daemon, which ends when the body is done or has failed.
  ///
  /// - Parameter body: Gets the daemon.
  /// - Returns: What the body returned.
  /// - Throws: What the body threw, or why there is no daemon.
  static func with<Value>(_ body: (PrivateDaemon) throws -> Value) throws -> Value {
    try withTemporaryDirectory { directory in
      let daemon = try PrivateDaemon(in: directory)
      defer { daemon.stop() }
      return try body(daemon)
    }
  }

  /// Starts a daemon.
  ///
  /// Should the tests be killed, it ends by itself half a minute after the last connection to it.
  ///
  /// - Parameter directory: A directory to work in.
  /// - Throws: Why there is no daemon.
  init(in directory: String) throws {
    let home = "\(directory)/home"
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: false)
    process = Process()
    process.executableURL = URL(filePath: PrivateDaemon.program)
    process.arguments = ["--timeout", "30"]
    if getuid() == 0 {
      // libvirtd takes root for the system; 65534 is nobody.
      chmod(directory, 0o755)
      chown(home, 65534, 65534)
      process.executableURL = URL(filePath: "/usr/bin/setpriv")
      process.arguments = [
        "--reuid=65534", "--regid=65534", "--clear-groups", PrivateDaemon.program, "--timeout",
        "30",
      ]
    }
    process.environment = [
      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "XDG_RUNTIME_DIR": home,
      "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "XDG_DATA_HOME": home,
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let socket = "\(home)/libvirt/libvirt-sock"
    uri = "qemu+unix:///session?socket=\(socket)"
    self.directory = home
    for _ in 0..<300 where !FileManager.default.fileExists(atPath: socket) {
      usleep(50_000)
    }
  }

  /// Kills the daemon, waits for its end, and kills the guests it has left.
  func stop() {
    kill()
    process.waitUntilExit()
    let run = "\(directory)/libvirt/qemu/run"
    let files = (try? FileManager.default.contentsOfDirectory(atPath: run)) ?? []
    for file in files where file.hasSuffix(".pid") { killProcess(in: "\(run)/\(file)") }
  }

  /// Kills the daemon.
  func kill() {
    Glibc.kill(process.processIdentifier, SIGKILL)
  }

  /// Makes a pool in a directory of its own.
  ///
  /// - Parameter connection: A connection to the daemon.
  /// - Returns: The pool `backups`.
  /// - Throws: What went wrong.
  func makePool(_ connection: Connection) throws -> StoragePool {
    let path = "\(directory)/backups"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    if getuid() == 0 { chown(path, 65534, 65534) }
    return try connection.createStoragePool(
      xml: """
        <pool type='dir'><name>backups</name><target><path>\(path)</path></target></pool>
        """)
  }
}
