// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Session {
  /// Longest path of a unix socket, one less than `sun_path` holds.
  private static let longestSocketPath = 107

  /// Decides where a session is served.
  ///
  /// - Throws: ``BackupError`` where that place cannot be used.
  func server(for options: SessionOptions) throws -> NBDServer {
    try options.checkAddress()
    let isTLS = options.tlsDirectories != nil
    switch options.listen ?? .unix(path: nil) {
    case .tcp(let host, let port):
      return NBDServer(transport: .tcp(host: host, port: port), isTLS: isTLS)
    case .unix(let path):
      if let path {
        guard Syntax.isAbsolutePath(path) else {
          throw BackupError(.invalid, "backup socket path '\(path)' must be absolute")
        }
        guard hypervisor.sees(path) else {
          throw BackupError(
            .invalid,
            "what is at '\(path)' cannot be seen from here, and QEMU would delete it; without "
              + "--socket a place in the domain's run-time directory is taken")
        }
        // QEMU would delete what is there.
        guard !hypervisor.isTaken(path) else {
          throw BackupError(.exists, "file '\(path)' exists")
        }
      }
      return NBDServer(transport: .unix(path: path), isTLS: isTLS)
    }
  }

  /// A server with all that can be told only when its QEMU runs: a socket's path, a free port.
  func resolved(
    _ server: NBDServer, operation: String, in monitor: any Monitor, port: UInt16? = nil
  ) throws -> NBDServer {
    var server = server
    switch server.transport {
    case .tcp(let host, nil): server.transport = .tcp(host: host, port: port)
    case .unix(nil):
      let monitorSocket = try monitor.characterDevices().first { $0.label == "charmonitor" }
      guard let directory = monitorSocket?.socketPath.map({ Paths.split($0).directory })
      else {
        throw BackupError(
          .failed, "the domain's run-time directory is not known; choose a place with --socket")
      }
      let digits = OperationID(operation).prefix.dropLast()
      server.transport = .unix(path: "\(directory)/\(digits).sock")
    case .tcp, .unix: break
    }
    return server
  }

  /// Starts the NBD server of a session.
  ///
  /// - Returns: The port, where a free one was to be taken.
  /// - Throws: `QMPError` when QEMU cannot; ``BackupError`` when another server is there.
  func startServer(
    _ server: NBDServer, tlsDirectories: [String], operation: String, in monitor: any Monitor
  ) throws -> UInt16? {
    guard try monitor.exports().isEmpty else {
      throw BackupError(
        .busy, "Requested operation is not valid: the domain's NBD server is used by something else"
      )
    }
    let credentials = server.isTLS ? NodeNames.credentials(operation: operation) : nil
    if let credentials {
      try addCredentials(credentials, directories: tlsDirectories, in: monitor)
    }
    func start(_ address: NBDAddress) throws {
      try monitor.execute(.nbdServerStart(address, tlsCredentials: credentials))
    }
    switch try resolved(server, operation: operation, in: monitor).transport {
    case .unix(let path):
      let path = path ?? ""
      guard path.utf8.count <= Self.longestSocketPath else {
        throw BackupError(.invalid, "the path '\(path)' is too long for a socket")
      }
      try start(.unix(path: path))
      return nil
    case .tcp(let host, let port?):
      try start(.inet(host: host, port: port))
      return nil
    case .tcp(let host, nil):
      // No command would tell which port QEMU took by itself.
      var refusal: QMPError?
      for _ in 0..<20 {
        let port = UInt16.random(in: 49152...65535)
        do {
          try start(.inet(host: host, port: port))
          return port
        } catch let error as QMPError {
          refusal = error
        }
      }
      throw refusal ?? BackupError(.failed, "no free port")
    }
  }

  /// Makes TLS credentials of the first directory that has certificates QEMU can use.
  private func addCredentials(
    _ id: String, directories: [String], in monitor: any Monitor
  ) throws {
    var refusal: (any Error)?
    for directory in directories {
      do {
        return try monitor.execute(.addTLSCredentials(id, directory: directory))
      } catch let error as QMPError {
        refusal = refusal ?? error
      }
    }
    throw refusal ?? BackupError(.invalid, "no directory with certificates is known")
  }
}
