// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// An NBD session as `backup-start-nbd --json` tells it, and the clients that read it.
struct NBDSession {
  /// What can be read of a disk.
  struct Disk {
    /// Where it is.
    var uri: String
    /// The meta context that says what changed; nil where all counts.
    var bitmap: String?
    /// Bytes it has.
    var size: UInt64
  }

  let libvirt: PrivateLibvirt
  let name: String
  let parent: String?
  /// The disks by their targets.
  let disks: [String: Disk]
  /// What the program told beside.
  let notices: String

  /// Reads the document.
  init(_ libvirt: PrivateLibvirt, _ result: CommandResult) throws {
    guard
      let root = try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any],
      let name = root["name"] as? String, let list = root["disks"] as? [[String: Any]]
    else { throw CommandError("not what backup-start-nbd says: \(result)") }
    self.libvirt = libvirt
    self.name = name
    parent = root["parent"] as? String
    notices = result.stderr
    var disks: [String: Disk] = [:]
    for disk in list {
      guard let target = disk["name"] as? String, let uri = disk["uri"] as? String,
        let size = disk["size"] as? NSNumber, disk["export"] is String
      else { throw CommandError("not what backup-start-nbd says of a disk: \(disk)") }
      disks[target] = Disk(uri: uri, bitmap: disk["bitmap"] as? String, size: size.uint64Value)
    }
    self.disks = disks
  }

  /// What is to be read of a disk.
  func disk(_ target: String) throws -> Disk {
    guard let disk = disks[target] else { throw CommandError("\(name) has no disk \(target)") }
    return disk
  }

  /// The path of the unix socket, as this process sees it.
  func socket(_ target: String) throws -> String {
    let uri = try disk(target).uri
    guard let socket = uri.split(separator: "?socket=").last.map(String.init) else {
      throw CommandError("no socket: \(uri)")
    }
    return libvirt.hostPath(socket)
  }

  // MARK: - Clients

  /// Copies a disk with `nbdcopy` into a new raw file.
  func copy(_ target: String, to file: String) throws {
    try libvirt.runReader("nbdcopy", [try disk(target).uri, file]).expectSuccess()
  }

  /// Copies a disk into a new raw file as a client does that has learnt the oldest form of the
  /// protocol only: without structured replies and without asking where there are holes.
  func readPlainly(_ target: String, to file: String) throws {
    try libvirt.runReader(
      PrivateLibvirt.file("nbd-reader"), ["plain", try disk(target).uri, file]
    ).expectSuccess()
  }

  /// Copies a disk with `qemu-img` into a new raw file.
  func convert(_ target: String, to file: String) throws {
    try libvirt.runReader(
      "qemu-img", ["convert", "-f", "raw", "-O", "raw", try disk(target).uri, file]
    ).expectSuccess()
  }

  /// What `nbdinfo` says changed on a disk, as offset and length.
  func map(_ target: String) throws -> [[UInt64]] {
    let disk = try disk(target)
    guard let bitmap = disk.bitmap else { throw CommandError("\(target) has no bitmap") }
    let text = try libvirt.runReader("nbdinfo", ["--map=\(bitmap)", "--json", disk.uri])
      .expectSuccess().stdout
    let entries = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
    return (entries ?? []).filter { ($0["type"] as? NSNumber)?.intValue != 0 }.compactMap { entry in
      ["offset", "length"].compactMap { (entry[$0] as? NSNumber)?.uint64Value }
    }
  }

  /// Brings an earlier copy of a disk up to the session by what its bitmap says alone, or copies the
  /// disk where it has none.
  ///
  /// - Returns: How many bytes were read; nil for all of them.
  func update(_ target: String, in file: String) throws -> Int? {
    let disk = try disk(target)
    guard let bitmap = disk.bitmap else {
      try copy(target, to: file)
      return nil
    }
    let text = try libvirt.runReader(
      PrivateLibvirt.file("nbd-reader"), ["apply", disk.uri, bitmap, file]
    ).expectSuccess().stdout
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Starts a client that reads the first sector, and again whenever it is told to.
  func hold(_ target: String) throws -> RunningCommand {
    let prefix = libvirt.readerPrefix
    let command = prefix + [PrivateLibvirt.file("nbd-reader"), "hold", try disk(target).uri]
    let client = try Command.start(command[0], Array(command.dropFirst()))
    try eventually("a client reads \(target)") { client.outputSoFar.contains("ok") }
    return client
  }
}

extension PrivateLibvirt {
  /// What makes a program see the files that the daemon's QEMUs see.
  var readerPrefix: [String] {
    namespacePrefix.isEmpty ? ["env"] : namespacePrefix
  }

  /// Runs a program where it sees the files that the daemon's QEMUs see.
  func runReader(_ program: String, _ arguments: [String]) throws -> CommandResult {
    let command = readerPrefix + [program] + arguments
    return try Command.run(command[0], Array(command.dropFirst()))
  }
}

extension Scene {
  /// Starts a session.
  @discardableResult
  func startSession(_ name: String, _ more: String...) throws -> NBDSession {
    try startSession(name, arguments: more)
  }

  /// Starts a session.
  func startSession(_ name: String, arguments more: [String]) throws -> NBDSession {
    let result = try Program.run(
      libvirt, arguments("backup-start-nbd", ["--backupname", name, "--json"] + more))
    return try NBDSession(libvirt, try result.expectSuccess())
  }

  /// Finishes the session there is.
  func finishSession(_ more: String...) throws { try finishSession(arguments: more) }

  /// Finishes the session there is.
  func finishSession(arguments more: [String]) throws {
    try Program.run(libvirt, arguments("backup-finish-nbd", more)).expectSuccess()
  }

  /// Runs `backup-start-nbd`, which must be refused, and expects nothing to be left of it.
  func expectNoSession(
    _ text: String, _ more: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try Program.run(libvirt, arguments("backup-start-nbd", more))
    #expect(result.status == 1 && result.stdout.allSatisfy(\.isNewline), "\(result)")
    #expect(
      result.stderr.contains("error: ") && result.stderr.contains(text), "\(result)",
      sourceLocation: sourceLocation)
    try expectNoSessions(sourceLocation: sourceLocation)
  }

  /// Expects that no session has left anything but bitmaps of those that have finished.
  func expectNoSessions(
    _ when: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try expectNoStrays(when, sourceLocation: sourceLocation)
    if try domain.state() != "shut off" {
      #expect(try !domain.hasServer(), "\(when)", sourceLocation: sourceLocation)
    }
  }

  /// The names of the sessions whose changes are recorded, sorted.
  func recordedSessions() throws -> [String] {
    let names = try domain.ourBitmaps().compactMap {
      $0.firstMatch(of: #/\/virsh-backup\.nbd\.(.+)\.[a-z]+\.[0-9a-f]{16}$/#).map { String($0.1) }
    }
    return Set(names).sorted()
  }

  /// What `backup-jobinfo` says of the session there is: its name and its state.
  func sessionState() throws -> String? {
    let text = try run("backup-jobinfo", "--json").expectSuccess().stdout
    let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let job = (root?["jobs"] as? [[String: Any]] ?? []).first {
      $0["operation"] as? String == "nbd"
    }
    return job.map { "\($0["name"] ?? "") \($0["state"] ?? "")" }
  }
}
