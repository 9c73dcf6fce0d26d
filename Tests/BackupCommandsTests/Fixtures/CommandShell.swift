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
  /// - Throws: What went wrong.
  func addBackup(
    _ name: String, sequence: Int, hasVolume: Bool = true, in directory: String? = nil
  ) throws {
    let directory = directory ?? pool
    func uuid(_ number: Int) -> String { "00000000-0000-4000-8000-00000000000\(number)" }
    let isFirst = sequence == 1
    let volume = "web1.\(name).vda.qcow2"
    let manifest = Manifest(
      name: name, uuid: uuid(sequence), chain: uuid(0), sequence: sequence,
      creationTime: 1_795_391_461 + Int64(sequence), description: isFirst ? "the first" : nil,
      parent: isFirst ? nil : uuid(sequence - 1), consistency: .crash,
      disks: [
        Manifest.Disk(
          name: "vda", mode: isFirst ? .full : .incremental,
          parent: isFirst ? nil : uuid(sequence - 1), reasonCode: isFirst ? "first" : nil,
          reason: isFirst ? "first backup" : nil, capacity: 1 << 20, format: "qcow2",
          volume: .init(name: volume, size: 65536))
      ], domainName: "web1", domainUUID: CommandShell.domainUUID,
      domainXML: """
        <domain type='qemu'><name>web1</name><uuid>\(CommandShell.domainUUID)</uuid>\
        <memory>8192</memory><os><type>hvm</type></os><devices>\
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
        <source file='/images/web1.qcow2'/><target dev='vda' bus='virtio'/></disk>\
        </devices></domain>
        """, inactiveDomainXML: nil)
    try write(try manifest.xml(), to: "\(directory)/web1.\(name).backup.xml")
    if hasVolume { try write("", to: "\(directory)/\(volume)") }
  }

  /// Writes a file.
  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }
}
