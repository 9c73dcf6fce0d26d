// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCommands
import Glibc

// Not `CommandLine.arguments`: they need not be UTF-8.
let arguments = CommandLine.unsafeArgv
let words = (0..<Int(CommandLine.argc)).compactMap { arguments[$0] }.map { word in
  UnsafeRawBufferPointer(start: word, count: strlen(word))
}
exit(Program.run(words))
