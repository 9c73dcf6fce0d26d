// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt

// What libvirt would say to a definition, found out before there is anything to define.
extension LibvirtHypervisor {
  func refusal(of definition: String) throws -> String? {
    do {
      _ = try connection.nativeArguments(xml: TrialDefinition.convertible(definition))
      return nil
    } catch is LibvirtError {
      // A command line may need more of the host than a definition does: libvirt's own word counts.
      return try refusalOfTrial(definition)
    }
  }

  /// Defines a domain that is in everything the same but for what must be its own, and forgets it.
  private func refusalOfTrial(_ definition: String) throws -> String? {
    let uuid = UUIDs.random()
    let trial = try RestoredDefinition(
      disks: [], copy: .init(name: OperationID(uuid).helper, uuid: uuid)
    ).apply(to: definition)
    let domain: Domain
    do {
      domain = try connection.defineDomain(xml: trial)
    } catch {
      // Without libvirt nothing is refused.
      _ = try domainName(uuid: uuid)
      return error.message
    }
    _ = try unless(.noDomain) { try domain.undefine(flags: [.keepNVRAM]) }
    return nil
  }

  func forgetTrials() throws {
    for domain in try connection.domains([.inactive, .persistent])
    where Syntax.isHelperName(domain.name) {
      _ = try unless(.noDomain) { try domain.undefine(flags: [.keepNVRAM]) }
    }
  }
}
