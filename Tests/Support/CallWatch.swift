// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What happens at the program's calls into libvirt; see `count-calls.c`.
package enum CallWatch: Sendable, Equatable {
  /// Each call's number, from 1, and its function's name become a line of this file.
  case log(String)
  /// SIGKILL takes the program on its way into this call.
  case kill(at: Int)
  /// SIGSTOP stops it there; SIGCONT lets it go on.
  case stop(at: Int)

  /// Builds the library that watches, and says by which variables the program loads it.
  ///
  /// - Throws: `CommandError` when there is no C compiler.
  package func environment(_ libvirt: PrivateLibvirt) throws(CommandError) -> [String: String] {
    let library = "\(libvirt.directory)/t/\(libvirt.uniqueName("calls")).so"
    try Command.run(
      "cc", ["-shared", "-fPIC", "-O1", "-o", library, PrivateLibvirt.file("count-calls.c")]
    ).expectSuccess()
    let (name, value) =
      switch self {
      case .log(let path): ("CALLS_LOG", path)
      case .kill(let number): ("CALLS_KILL", "\(number)")
      case .stop(let number): ("CALLS_STOP", "\(number)")
      }
    return ["LD_AUDIT": library, name: value]
  }
}
