// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension Vsh.Command where Context == Client {
  /// `connect`: another hypervisor for the commands that follow.
  static var connect: Command {
    Command(
      "connect", summary: "(re)connect to a hypervisor",
      description: "Connect to a hypervisor: the one that was named last, or another.",
      options: [
        .string("name", "connection URI of the hypervisor", positional: true, allowsEmpty: true),
        .bool("readonly", "read-only connection"),
      ], needsConnection: false
    ) { shell, arguments in
      try shell.context.connect(
        to: arguments.raw("name"), readOnly: arguments.flag("readonly"))
      return true
    }
  }
}
