// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

@testable import Backup
@testable import BackupCore

/// A pool in memory.
final class FakeRepository: Repository {
  let name: String
  let directory: String
  var isTrusted = true
  var isReadDirectly: Bool { true }
  /// The volumes and what is in them.
  var contents: [String: [UInt8]] = [:] {
    didSet { number(oldValue) }
  }
  /// Numbers that tell each file from any other that comes to its name.
  private(set) var identities: [String: Int] = [:]
  private var lastIdentity = 0
  /// Seconds that have passed, and when volumes were written.
  var time: Int64 = 0
  private var written: [String: Int64] = [:]
  /// Bytes that are free.
  var free: UInt64 = 1 << 40
  /// Volumes that cannot be read.
  var unreadable: Set<String> = []
  /// Volumes that another client deletes when they are about to be read.
  var goingWhenRead: Set<String> = []
  /// How often the pool was told to look again.
  private(set) var refreshes = 0

  init(_ name: String = "backups", at directory: String = "/pool") {
    self.name = name
    self.directory = directory
  }

  private func number(_ before: [String: [UInt8]]) {
    guard contents.count != before.count || contents.keys != before.keys else { return }
    identities = identities.filter { contents[$0.key] != nil }
    for volume in contents.keys where identities[volume] == nil {
      lastIdentity += 1
      identities[volume] = lastIdentity
    }
  }

  /// Gives a file another name, under which it is the same file.
  func rename(_ volume: String, to newName: String) {
    let identity = identities[volume]
    contents[newName] = contents[volume]
    contents[volume] = nil
    identities[newName] = identity
  }

  /// Puts a text into the pool, whether or not the name is taken.
  func put(_ volume: String, _ text: String) { contents[volume] = Array(text.utf8) }

  func refresh() { refreshes += 1 }
  func volumeNames() -> [String] { contents.keys.shuffled() }
  func contains(_ volume: String) -> Bool { contents[volume] != nil }
  var seesLinks: Bool { true }
  func isFile(_ volume: String) -> Bool { contents[volume] != nil }
  func delete(_ volume: String) { contents[volume] = nil }
  func path(of volume: String) -> String { "\(directory)/\(volume)" }
  func owner(of volume: String) -> FileOwner { FileOwner(owner: 0, group: 0) }
  func available() -> UInt64 { free }
  func age(of volume: String) -> Int64 { time - (written[volume] ?? 0) }

  /// A raw volume has its length at once, and one that stands on another says so.
  func create(_ volume: VolumeSpecification) throws {
    if let backing = volume.backing {
      return try write(volume.name, ChainImage(on: backing).bytes)
    }
    let length = volume.format == "raw" ? min(Int(volume.capacity), 4096) : 0
    try write(volume.name, Array(repeating: 0, count: length))
  }

  func write(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws {
    guard contents[volume] == nil else { throw BackupError(.exists, volume) }
    // Others see it before there is anything in it.
    contents[volume] = []
    written[volume] = time
    do {
      try confirm()
    } catch {
      // A client that dies in the midst of it leaves it empty.
      if !(error is Killed), contents[volume] == [] { contents[volume] = nil }
      throw error
    }
    guard let now = contents[volume] else { throw BackupError(.busy, volume) }
    guard now == [] else { throw BackupError(.exists, volume) }
    contents[volume] = content
  }

  func replace(_ volume: String, _ content: [UInt8]) {
    contents[volume] = content
    written[volume] = time
  }

  func replace(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws {
    let before = contents[volume]
    try confirm()
    guard let now = contents[volume] else { throw BackupError(.busy, volume) }
    guard now == before else { throw BackupError(.exists, volume) }
    contents[volume] = content
  }

  func synchronize(_ volumes: [String]) {}

  func read(_ volume: String, offset: UInt64, length: UInt64) throws -> [UInt8] {
    if goingWhenRead.remove(volume) != nil { delete(volume) }
    guard let content = contents[volume], !unreadable.contains(volume) else {
      throw BackupError(.failed, "cannot read \(volume)")
    }
    return Array(content.dropFirst(Int(offset)).prefix(Int(length)))
  }

  /// Zeroes take no room.
  func allocation(of volume: String) throws -> UInt64 {
    let length = try length(of: volume)
    return contents[volume]?.allSatisfy { $0 == 0 } == true ? 0 : length
  }

  func length(of volume: String) throws -> UInt64 {
    guard let content = contents[volume] else { throw BackupError(.notFound, volume) }
    return UInt64(content.count)
  }
}
