// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A QMP command: its name and its arguments, as they go over the wire.
///
/// Commands are values, so that a plan made of them can be read and tested without a QEMU. They are
/// made by the factories beside this type, one for each command we use, never from text.
package struct Command: Sendable, Equatable {
  /// Name of the command (`blockdev-add`).
  package var execute: String
  /// Its arguments; empty for none.
  package var arguments: [String: JSONValue]

  /// Makes a command.
  package init(_ execute: String, _ arguments: [String: JSONValue] = [:]) {
    self.execute = execute
    self.arguments = arguments
  }

  /// The command as one line of JSON, members sorted.
  package var json: String {
    var members: [String: JSONValue] = ["execute": .string(execute)]
    if !arguments.isEmpty { members["arguments"] = .object(arguments) }
    return JSONValue.object(members).text
  }
}
