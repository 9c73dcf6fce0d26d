// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// QEMU's refusal of a command.
package struct QMPError: Error, Sendable, Equatable {
  /// Name of the command that was refused.
  package var command: String
  /// QEMU's error class: `GenericError`, `CommandNotFound`, `DeviceNotFound`, ...
  package var errorClass: String
  /// QEMU's text, for people: it changes between versions.
  package var desc: String

  /// Makes a refusal.
  package init(command: String, errorClass: String, desc: String) {
    self.command = command
    self.errorClass = errorClass
    self.desc = desc
  }
}

extension QMPError: CustomStringConvertible {
  /// The text in the words libvirt uses for the same thing.
  package var description: String {
    "internal error: unable to execute QEMU command '\(command)': \(desc)"
  }
}
