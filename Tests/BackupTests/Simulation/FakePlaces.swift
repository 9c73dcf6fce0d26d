// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

@testable import Backup
@testable import BackupCore

/// Places of a host that is nowhere.
struct FakePlaces: RestorePlaces {
  var taken: Set<String> = []
  var links: [String: String] = [:]
  var pools: [String: String] = [:]
  var fixed: Set<String> = []

  func poolDirectory(name: String) throws -> String {
    guard let directory = pools[name] else { throw BackupError(.notFound, "no pool '\(name)'") }
    return directory
  }
  func isTaken(_ path: String) -> Bool { taken.contains(path) }
  func isThere(_ path: String) -> Bool { taken.contains(path) }
  func resolved(_ path: String) -> String { links[path] ?? path }
  func nvramPath(of text: String, _ definition: DomainDefinition) -> String? {
    definition.nvram.map { $0.path ?? "/nvram/\(definition.name)_VARS.fd" }
  }
  func path(of tpm: DomainDefinition.TPM, uuid: String) -> String? { "/tpm/\(uuid)" }
  func canRename(in directory: String) -> Bool { !fixed.contains(directory) }
}
