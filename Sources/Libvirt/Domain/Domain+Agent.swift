// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt
import Glibc

extension Domain {
  /// Asks the agent in the guest, for a limited time.
  ///
  /// The limit is of this question alone: other users of the agent keep what
  /// `virDomainAgentSetResponseTimeout` gave them, which cannot be read and so not be put back. The
  /// corresponding libvirt function is `virDomainQemuAgentCommand`.
  ///
  /// - Parameters:
  ///   - command: The command (`guest-fsfreeze-freeze`); it takes no arguments.
  ///   - seconds: How long to wait for the answer.
  /// - Returns: The reply, JSON with a `return`.
  /// - Throws: ``LibvirtError``, of the code `.agentUnresponsive` or `.agentCommandTimeout` where no
  ///   agent answers, `.argumentUnsupported` or `.configUnsupported` where the domain has no channel
  ///   for one, `.operationInvalid` where it does not run; of others where the agent refuses.
  package func qemuAgentCommand(
    _ command: StaticString, seconds: Int32
  ) throws(LibvirtError) -> String {
    let json = "{\"execute\":\"\(command)\"}"
    return try unsafe takingString("virDomainQemuAgentCommand", detail: "\(command)") {
      unsafe virDomainQemuAgentCommand(handle, json, seconds, 0)
    }
  }
}
