// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Restore {
  /// Gives a domain that does not run the state of its TPM.
  ///
  /// libvirt gives the file to the TPM's emulator when that starts. Repeating it does no harm. Where
  /// it cannot be done the user is told, and the restore goes on: all data is whole.
  ///
  /// - Parameters:
  ///   - tpm: The state; nil for none.
  ///   - uuid: The domain, which need not be the one the backup is of, and need not be defined yet.
  ///   - pending: The restore.
  /// - Throws: What libvirt throws where it does not answer any more; the next command goes on.
  func restoreTPM(
    _ tpm: Partial.RestoredTPM?, to uuid: String, of pending: Catalog.Pending
  ) throws {
    guard let tpm else { return }
    if try hypervisor.isActive(uuid: uuid) {
      observer.notice("the state of the TPM is left as it is: the domain runs")
      return
    }
    do {
      try write(tpm, of: pending)
    } catch {
      _ = try hypervisor.domainName(uuid: uuid)
      observer.notice("the state of the TPM is not restored: \(error)")
    }
  }

  private func write(_ tpm: Partial.RestoredTPM, of pending: Catalog.Pending) throws {
    let (directory, name) = Paths.split(tpm.path)
    let state = try context.stateOfTPM(in: tpm.volume)
    try hypervisor.makeDirectory(directory)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    if try files.contains(name) {
      let old = try files.read(name, offset: 0, length: Context.longestState)
      if old == state { return }
      if tpm.keepsOld, !old.isBlank {
        try keep(old, as: "\(name).\(pending.partial.id.short)", in: files)
      }
      try files.delete(name)
    }
    try files.write(name, state)
  }

  /// Keeps a state under a name of the operation's own; what is there under it already stays, unless
  /// its client was killed before it wrote it.
  private func keep(_ state: [UInt8], as name: String, in files: any Repository) throws {
    guard try files.contains(name) else { return try files.write(name, state) }
    guard try files.read(name, offset: 0, length: Context.longestState).isBlank else { return }
    try files.replace(name, state)
  }

  /// Deletes the state of a TPM that a restore wrote, or was about to write when its client was killed;
  /// another's that came to its place stays.
  func discardTPM(_ tpm: Partial.RestoredTPM) throws {
    let (directory, name) = Paths.split(tpm.path)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    guard try files.contains(name) else { return }
    let found = try files.read(name, offset: 0, length: Context.longestState)
    guard try found.isBlank || found == context.stateOfTPM(in: tpm.volume) else { return }
    try files.delete(name)
  }
}

extension [UInt8] {
  /// True for an empty file and for zeroes alone: libvirt makes such a volume before it writes
  /// data.
  fileprivate var isBlank: Bool { allSatisfy { $0 == 0 } }
}
