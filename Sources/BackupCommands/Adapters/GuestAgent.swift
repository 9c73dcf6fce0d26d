// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import FoundationEssentials
import Libvirt
import QMP

/// The agent in a guest, which may stop answering at any question: none is asked without a limit.
///
/// libvirt's own functions for freezing and for information wait for ever.
struct GuestAgent {
  /// Seconds for a question that takes no time.
  private static let limit: Int32 = 5
  /// Seconds for the file systems to go on.
  private static let thawLimit: Int32 = 10
  /// Seconds for all file systems to be written out; Windows allows its own programs as many.
  private static let freezeLimit: Int32 = {
    #if DEBUG
      // For tests, which have no time for the real limit.
      if let limit = Program.environment("VIRSH_BACKUP_FREEZE_LIMIT").flatMap({ Int32($0) }) {
        return limit
      }
    #endif
    return 60
  }()

  let domain: Domain

  /// Whether file systems are frozen, whoever did it; false where the agent does not tell.
  ///
  /// The command of the agent is `guest-fsfreeze-status`.
  ///
  /// - Throws: What libvirt throws, also where the agent does not answer.
  func isFrozen() throws -> Bool {
    do {
      return try ask("guest-fsfreeze-status", seconds: GuestAgent.limit).string == "frozen"
    } catch let error as LibvirtError
      where [.internalError, .agentCommandFailed].contains(error.code)
    {
      // It does not know, or is not allowed to tell.
      return false
    }
  }

  /// Freezes the file systems.
  ///
  /// The command of the agent is `guest-fsfreeze-freeze`.
  ///
  /// - Throws: What libvirt throws.
  func freeze() throws { _ = try ask("guest-fsfreeze-freeze", seconds: GuestAgent.freezeLimit) }

  /// Lets the file systems go on.
  ///
  /// The command of the agent is `guest-fsfreeze-thaw`.
  ///
  /// - Throws: What libvirt throws.
  func thaw() throws { _ = try ask("guest-fsfreeze-thaw", seconds: GuestAgent.thawLimit) }

  /// What the agent tells of the guest, by the names of `virDomainGetGuestInfo`.
  ///
  /// The commands of the agent are `guest-get-osinfo`, `guest-get-host-name` and `guest-get-fsinfo`.
  ///
  /// - Parameter definition: The live definition, by which it is known which disk is which.
  /// - Returns: What it tells, and whether it stopped answering.
  func information(definition: String) -> (told: [String: String], isSilent: Bool) {
    var told: [String: String] = [:]
    let questions: [(StaticString, (JSONValue) -> [String: String])] = [
      ("guest-get-osinfo", GuestInformation.system),
      ("guest-get-host-name", GuestInformation.hostName),
      (
        "guest-get-fsinfo",
        { GuestInformation.fileSystems($0, disks: try? DiskAddresses(parsing: definition)) }
      ),
    ]
    for (question, read) in questions {
      do {
        told.merge(read(try ask(question, seconds: GuestAgent.limit))) { $1 }
      } catch let error as LibvirtError where error.isOfSilentAgent {
        // Each question to one that hangs takes seconds.
        return (told, true)
      } catch {
        continue
      }
    }
    return (told, false)
  }

  private func ask(_ command: StaticString, seconds: Int32) throws -> JSONValue {
    let reply = try domain.qemuAgentCommand(command, seconds: seconds)
    return try JSONDecoder().decode(JSONValue.self, from: Data(reply.utf8))["return"]
      ?? .null
  }
}

extension LibvirtError {
  /// Whether no agent answered in time.
  var isOfSilentAgent: Bool { [.agentUnresponsive, .agentCommandTimeout].contains(code) }

  /// True where the domain has no channel for an agent, or no agent answers on it.
  var isOfMissingAgent: Bool {
    [.argumentUnsupported, .configUnsupported, .agentUnresponsive].contains(code)
  }
}
