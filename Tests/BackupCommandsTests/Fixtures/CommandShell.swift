// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import FoundationEssentials
import Vsh

@testable import BackupCommands

/// The program's shell on a host of libvirt's test driver, whose pool `backups` is a directory that
/// really exists: over a read-only connection its files are read.
final class CommandShell {
  /// UUID of the recorded domain `web1`, which the host does not have.
  static let domainUUID = "76f07e4e-37c2-4df2-9203-c524a26a012d"

  /// What went to standard output.
  private(set) var out = ""
  /// What went to standard error.
  private(set) var err = ""
  /// The pool's directory.
  let pool: String
  /// The directory of another pool, `other`.
  let otherPool: String
  /// Everything of the host; it is gone with this object.
  let directory: String
  /// The host, for any program.
  var uri: String { "test://\(directory)/node.xml" }

  /// Makes the host.
  ///
  /// - Parameter domains: Names of domains it has, each with the disks `vda` and `vdb`.
  /// - Throws: What went wrong.
  init(domains: [String] = []) throws {
    directory = "\(FileManager.default.temporaryDirectory.path)/virsh-backup-\(UUID().uuidString)"
    pool = "\(directory)/backups"
    otherPool = "\(directory)/other"
    for path in [pool, otherPool] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    try write(
      """
      <node>
        \(domains.map(CommandShell.domain).joined(separator: "\n"))
        <pool type='dir'><name>backups</name><target><path>\(pool)</path></target></pool>
        <pool type='dir'><name>other</name><target><path>\(otherPool)</path></target></pool>
      </node>
      """, to: "\(directory)/node.xml")
  }

  private static func domain(_ name: String) -> String {
    let disks = ["vda", "vdb"].map {
      "<disk type='file'><source file='/\($0).img'/><target dev='\($0)'/></disk>"
    }
    return """
      <domain type='test'><name>\(name)</name><memory>8192</memory><os><type>hvm</type></os>
        <devices>\(disks.joined())</devices></domain>
      """
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Runs a line.
  ///
  /// - Parameters:
  ///   - line: The commands.
  ///   - readOnly: Whether over a read-only connection.
  /// - Returns: Whether all succeeded.
  func run(_ line: String, readOnly: Bool = false) -> Bool {
    out = ""
    err = ""
    let client = Client(
      uri: uri, isReadOnly: readOnly, keepalive: (nil, nil),
      defaultPool: nil)
    let shell = Shell(
      programName: "virsh-backup", table: Program.table, context: client,
      output: Output(write: { self.out += $0 }, writeError: { self.err += $0 }))
    shell.connect = { shell in _ = try shell.context.connection() }
    return shell.run(line: line)
  }

  /// Puts a backup of one disk `vda` into the pool.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - sequence: Its place; the one before it is the parent of any but the first.
  ///   - hasVolume: Whether the volume is there too.
  ///   - directory: The pool's directory; that of `backups`, unless told.
  ///   - time: When it was made, in seconds since 1970-01-01T00:00:00Z; a second after the one before
  ///     it, unless told.
  ///   - domain: The domain's name.
  ///   - domainUUID: The domain's UUID.
  ///   - isProtected: Whether it is protected.
  /// - Throws: What went wrong.
  func addBackup(
    _ name: String, sequence: Int, hasVolume: Bool = true, in directory: String? = nil,
    time: Int64? = nil, of domain: String = "web1",
    _ domainUUID: String = CommandShell.domainUUID, isProtected: Bool = false
  ) throws {
    let directory = directory ?? pool
    func uuid(_ number: Int) -> String {
      let digits = String(number)
      return domainUUID.prefix(24) + String(repeating: "0", count: 12 - digits.count) + digits
    }
    let isFirst = sequence == 1
    let volume = "\(domain).\(name).vda.qcow2"
    var manifest = Manifest(
      name: name, uuid: uuid(sequence), chain: uuid(0), sequence: sequence,
      creationTime: time ?? 1_795_391_461 + Int64(sequence),
      description: isFirst ? "the first" : nil,
      parent: isFirst ? nil : uuid(sequence - 1), consistency: .crash,
      disks: [
        Manifest.Disk(
          name: "vda", mode: isFirst ? .full : .incremental,
          parent: isFirst ? nil : uuid(sequence - 1), reasonCode: isFirst ? "first" : nil,
          reason: isFirst ? "first backup" : nil, capacity: 1 << 20, format: "qcow2",
          volume: .init(name: volume, size: 65536))
      ], domainName: domain, domainUUID: domainUUID,
      domainXML: """
        <domain type='qemu'><name>\(domain)</name><uuid>\(domainUUID)</uuid>\
        <memory>8192</memory><os><type>hvm</type></os><devices>\
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
        <source file='/images/web1.qcow2'/><target dev='vda' bus='virtio'/></disk>\
        </devices></domain>
        """, inactiveDomainXML: nil)
    manifest.isProtected = isProtected
    try write(try manifest.xml(), to: "\(directory)/\(domain).\(name).backup.xml")
    if hasVolume { try write("", to: "\(directory)/\(volume)") }
  }

  /// Names of the files in the pool, sorted.
  var files: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: pool).sorted()) ?? []
  }

  /// Writes a file.
  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }
}
