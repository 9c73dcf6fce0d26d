// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// Passphrases of encrypted copies: QEMU has them only while it opens an image.
extension Monitor {
  /// Hands a passphrase to QEMU while the body runs.
  package func withSecret(
    _ value: [UInt8], as id: String, _ body: () throws -> Void
  ) throws {
    try execute(.addSecret(id: id, value: value))
    let result = Result { try body() }
    try removeSecret(id)
    try result.get()
  }

  /// Takes the passphrases of an operation from QEMU, which a client that died may have left.
  package func removeSecrets(of partial: Partial) throws {
    // Credentials go with the server that uses them.
    let credentials = NodeNames.credentials(operation: partial.uuid)
    for object in try objects() where partial.id.owns(object) && object != credentials {
      try removeSecret(object)
    }
  }

  private func removeSecret(_ id: String) throws {
    do {
      try execute(.objectDel(id))
    } catch is QMPError {
      // It is not there, or not any more.
    }
  }
}

extension BackupDefinition.Encryption {
  /// What QEMU is told.
  package func options(keySecret: String) -> LUKSOptions {
    var options = LUKSOptions(keySecret: keySecret)
    options.cipher = cipher.map { "\($0.name)-\($0.size)" }
    options.cipherMode = cipher?.mode
    options.hash = cipher?.hash
    options.generator = initializationVector?.name
    options.generatorHash = initializationVector?.hash
    return options
  }
}
