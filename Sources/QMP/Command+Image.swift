// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials

/// How a new image is encrypted: LUKS.
package struct LUKSOptions: Sendable, Equatable {
  /// Id of the secret with the passphrase.
  package var keySecret: String
  /// `aes-256`; nil for QEMU's choice, as for the others.
  package var cipher: String?
  /// `xts`.
  package var cipherMode: String?
  /// `sha256`.
  package var hash: String?
  /// `plain64`.
  package var generator: String?
  /// `sha256`.
  package var generatorHash: String?
  /// Milliseconds that testing a passphrase takes.
  package var iterationTime: Int64?

  /// Makes the description of an encryption of QEMU's choice.
  package init(keySecret: String) { self.keySecret = keySecret }

  var members: [String: JSONValue] {
    var members: [String: JSONValue] = ["key-secret": .string(keySecret)]
    if let cipher { members["cipher-alg"] = .string(cipher) }
    if let cipherMode { members["cipher-mode"] = .string(cipherMode) }
    if let hash { members["hash-alg"] = .string(hash) }
    if let generator { members["ivgen-alg"] = .string(generator) }
    if let generatorHash { members["ivgen-hash-alg"] = .string(generatorHash) }
    if let iterationTime { members["iter-time"] = .int(iterationTime) }
    return members
  }
}

/// How the clusters of a qcow2 image are compressed, where they are (`Qcow2CompressionType`).
package enum Qcow2Compression: String, Sendable, CaseIterable {
  case zlib, zstd
}

extension Command {
  /// Starts to make an empty image, qcow2 (compat 1.1) or LUKS alone, of an open file or device.
  ///
  /// The corresponding QMP command is `blockdev-create`.
  ///
  /// - Parameters:
  ///   - jobID: The job's id; it has to be dismissed.
  ///   - format: `qcow2` or `luks`.
  ///   - file: The node.
  ///   - size: Bytes that the guest will see.
  ///   - encryption: How it is encrypted; must be there for `luks`.
  ///   - compression: How clusters of a qcow2 image are compressed; nil for QEMU's choice.
  ///   - backing: Name, as it will stand in a qcow2 image, of the one it stands on, qcow2 too; it is
  ///     not opened.
  /// - Returns: The command.
  package static func createImage(
    jobID: String, format: String, file: String, size: UInt64, encryption: LUKSOptions? = nil,
    compression: Qcow2Compression? = nil, backing: String? = nil
  ) -> Command {
    var options: [String: JSONValue] = [
      "driver": .string(format), "file": .string(file), "size": .int(Int64(clamping: size)),
    ]
    if format == "luks" {
      options.merge(encryption?.members ?? [:]) { $1 }
    } else {
      options["version"] = "v3"
      if let compression { options["compression-type"] = .string(compression.rawValue) }
      if let backing {
        options["backing-file"] = .string(backing)
        options["backing-fmt"] = "qcow2"
      }
      if let encryption {
        options["encrypt"] = .object(encryption.members.merging(["format": "luks"]) { $1 })
      }
    }
    return Command("blockdev-create", ["job-id": .string(jobID), "options": .object(options)])
  }

  /// Hands a passphrase to QEMU.
  ///
  /// The corresponding QMP command is `object-add`, type `secret`.
  package static func addSecret(id: String, value: [UInt8]) -> Command {
    Command(
      "object-add",
      [
        "qom-type": "secret", "id": .string(id), "format": "base64",
        "data": .string(Data(value).base64EncodedString()),
      ])
  }

  /// Takes an object from QEMU; what was made with it stays.
  ///
  /// The corresponding QMP command is `object-del`.
  package static func objectDel(_ id: String) -> Command {
    Command("object-del", ["id": .string(id)])
  }
}
