// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import BackupCore

/// Proofs of pools in memory: sums that are no SHA-256, but differ where the contents do.
extension Repository {
  func sha256(of volume: String, progress: (UInt64) throws -> Void) throws -> String {
    let content = try read(volume, offset: 0, length: UInt64(Int.max))
    try progress(UInt64(content.count))
    return String(
      repeating: StableHash.hex(String(decoding: content, as: UTF8.self)), count: 4)
  }

  func imageCheck(of volume: String) -> ImageCheck { .unchecked("it is in memory") }
}
