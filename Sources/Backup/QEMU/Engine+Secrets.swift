// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// Passphrases of encrypted copies: QEMU has them only while it opens an image.
extension Engine {
  /// Hands a passphrase to QEMU while the body runs.
  func withSecret(
    _ value: [UInt8], as id: String, in monitor: any Monitor, _ body: () throws -> Void
  ) throws {
    try monitor.execute(.addSecret(id: id, value: value))
    let result = Result { try body() }
    try removeSecret(id, in: monitor)
    try result.get()
  }

  /// Takes the passphrases of an operation from QEMU, which a client that died may have left.
  func removeSecrets(of partial: Partial, in monitor: any Monitor) throws {
    let prefix = NodeNames.prefix(operation: partial.uuid)
    // Credentials go with the server that uses them.
    let credentials = NodeNames.credentials(operation: partial.uuid)
    for object in try monitor.objects() where object.hasPrefix(prefix) && object != credentials {
      try removeSecret(object, in: monitor)
    }
  }

  private func removeSecret(_ id: String, in monitor: any Monitor) throws {
    do {
      try monitor.execute(.objectDel(id))
    } catch is QMPError {
      // It is not there, or not any more.
    }
  }

  /// Opens the scratch volume of a disk whose copy is encrypted, and makes it an encrypted image.
  ///
  /// Its passphrase is known to this QEMU alone: nobody ever opens it again.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - path: The volume, which is an empty file.
  ///   - backing: The node that is read where the scratch has nothing; nil for none.
  ///   - monitor: The monitor of the domain.
  /// - Throws: ``BackupError`` or `QMPError`.
  func openEncryptedScratch(
    of disk: FrozenView.Disk, at path: String, backing: String?, in monitor: any Monitor
  ) throws {
    let names = disk.names
    var encryption = LUKSOptions(keySecret: names.scratchSecret)
    // There is nothing to guess in a random passphrase.
    encryption.iterationTime = 10
    let image = TargetImage(
      isDevice: false, capacity: disk.live.capacity, job: names.scratchFormatJob,
      encryption: encryption)
    let passphrase = (0..<32).map { _ in UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "p")) }
    try withSecret(passphrase, as: names.scratchSecret, in: monitor) {
      try open(
        path: path, format: "qcow2", file: names.scratchFile, image: names.scratch,
        backing: backing, made: image, in: monitor)
    }
  }
}

extension BackupDefinition.Encryption {
  /// What QEMU is told.
  func options(keySecret: String) -> LUKSOptions {
    var options = LUKSOptions(keySecret: keySecret)
    options.cipher = cipher.map { "\($0.name)-\($0.size)" }
    options.cipherMode = cipher?.mode
    options.hash = cipher?.hash
    options.generator = initializationVector?.name
    options.generatorHash = initializationVector?.hash
    return options
  }
}
