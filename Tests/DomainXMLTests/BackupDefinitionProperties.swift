// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import DomainXML

/// What must hold of any text that is read as a `<domainbackup>` document.
enum BackupDefinitionProperties {
  /// A text for which something does not hold.
  struct Violation: Error {
    var what: String
  }

  /// Reads a text, writes what it says and reads that again; fit for a fuzzer.
  ///
  /// - Parameter bytes: Any bytes.
  /// - Returns: The document; nil where it is refused.
  /// - Throws: ``Violation`` when something was lost or changed on the way.
  @discardableResult
  static func check(_ bytes: [UInt8]) throws -> BackupDefinition? {
    let definition: BackupDefinition
    do {
      definition = try BackupDefinition(parsing: bytes)
    } catch {
      guard !error.description.isEmpty else { throw Violation(what: "a refusal without words") }
      return nil
    }
    let written = try definition.xml()
    let again = try BackupDefinition(parsing: written)
    guard again == definition else { throw Violation(what: "not the same: \(written)") }
    guard try again.xml() == written else { throw Violation(what: "not stable: \(written)") }
    return definition
  }
}
