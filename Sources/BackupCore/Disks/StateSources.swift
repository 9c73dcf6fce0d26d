// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a domain keeps between two starts that is on none of its disks, as far as it can be saved.
package struct StateSources: Sendable, Equatable {
  /// The variables of its UEFI firmware.
  package struct NVRAM: Sendable, Equatable {
    /// The node that has them.
    package var node: String
    /// Their length in bytes.
    package var capacity: UInt64

    /// Makes the description of an NVRAM.
    package init(node: String, capacity: UInt64) {
      self.node = node
      self.capacity = capacity
    }
  }

  /// The persistent state of its emulated TPM.
  package struct TPM: Sendable, Equatable {
    /// Absolute path of the file.
    package var path: String

    /// Makes the description of a TPM.
    package init(path: String) { self.path = path }
  }

  /// The NVRAM; nil where there is none to save.
  package var nvram: NVRAM?
  /// The TPM; nil where there is none to save.
  package var tpm: TPM?
  /// What there is and cannot be saved, a line for people each.
  package var unsaved: [String]

  /// Makes the description of a domain's state.
  package init(nvram: NVRAM? = nil, tpm: TPM? = nil, unsaved: [String] = []) {
    self.nvram = nvram
    self.tpm = tpm
    self.unsaved = unsaved
  }
}
