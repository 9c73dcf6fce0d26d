// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt
import Glibc

extension Connection {
  /// Reads the value of a secret.
  ///
  /// The corresponding libvirt functions are `virSecretLookupByUUIDString` and `virSecretGetValue`.
  ///
  /// - Parameter uuid: The secret's UUID.
  /// - Returns: The value.
  /// - Throws: ``LibvirtError``, of the code `.noSecret` where there is none or it has no value.
  package func secretValue(uuid: String) throws(LibvirtError) -> [UInt8] {
    let secret = try unsafe checkingNil("virSecretLookupByUUIDString", detail: uuid) {
      unsafe virSecretLookupByUUIDString(handle, uuid)
    }
    return try unsafe value(of: secret)
  }

  /// Reads the value of the secret of a volume.
  ///
  /// The corresponding libvirt functions are `virSecretLookupByUsage` and `virSecretGetValue`.
  ///
  /// - Parameter usage: The usage name that the secret was defined with.
  /// - Returns: The value.
  /// - Throws: ``LibvirtError``, of the code `.noSecret` where there is none or it has no value.
  package func secretValue(volumeUsage usage: String) throws(LibvirtError) -> [UInt8] {
    let secret = try unsafe checkingNil("virSecretLookupByUsage", detail: usage) {
      unsafe virSecretLookupByUsage(
        handle, Int32(VIR_SECRET_USAGE_TYPE_VOLUME.rawValue), usage)
    }
    return try unsafe value(of: secret)
  }

  private func value(of secret: OpaquePointer) throws(LibvirtError) -> [UInt8] {
    defer { unsafe virSecretFree(secret) }
    var size = 0
    let bytes = try unsafe checkingNil("virSecretGetValue") {
      unsafe virSecretGetValue(secret, &size, 0)
    }
    defer {
      unsafe explicit_bzero(bytes, size)
      unsafe free(bytes)
    }
    return unsafe Array(UnsafeBufferPointer(start: bytes, count: size))
  }
}
