// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Context {
  /// A manifest with the sizes of what was written.
  ///
  /// - Throws: ``BackupError`` with code `failed` where something was not.
  package func measured(_ manifest: Manifest) throws -> Manifest {
    var manifest = manifest
    for index in manifest.disks.indices {
      manifest.disks[index].volume = try repository.measured(manifest.disks[index].volume)
    }
    if let nvram = manifest.nvram {
      manifest.nvram?.volume.size = try repository.allocation(of: nvram.volume.name)
    }
    if let tpm = manifest.tpm {
      guard try repository.contains(tpm.volume.name) else {
        throw BackupError(.failed, "the state of the TPM is not there")
      }
      manifest.tpm?.volume.size = try repository.allocation(of: tpm.volume.name)
      manifest.tpm?.capacity = UInt64(try stateOfTPM(in: tpm.volume.name).count)
    }
    return manifest
  }
}
