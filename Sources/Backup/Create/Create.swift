// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// Makes points of a domain, or copies of its disks.
struct Create: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension Create {
  /// As ``Engine/create(domainUUID:options:isAsync:deadline:)``, once the domain is settled.
  func run(
    domainUUID: String, options: CreateOptions, isAsync: Bool, deadline: ContinuousClock.Instant?
  ) throws -> Manifest {
    guard let guest = try hypervisor.guest(uuid: domainUUID) else {
      return try createOffline(
        domainUUID: domainUUID, options: options, isAsync: isAsync, deadline: deadline)
    }
    do {
      return try create(
        guest, domainUUID: domainUUID, options: options, isProtected: options.protection != .none,
        isAsync: isAsync, deadline: deadline)
    } catch is MissingViewDrivers {
      guard options.protection == .automatic else { throw BackupError.noView }
      return try create(
        guest, domainUUID: domainUUID, options: options, isProtected: false, isAsync: isAsync,
        deadline: deadline)
    }
  }

  private func create(
    _ guest: any Guest, domainUUID: String, options: CreateOptions, isProtected: Bool,
    isAsync: Bool, deadline: ContinuousClock.Instant?
  ) throws -> Manifest {
    let catalog = try catalog()
    try context.refuseWhileBusy(guest, domainUUID: domainUUID, catalog: catalog)
    var plan = try plan(options, for: guest, isProtected: isProtected, catalog: catalog)
    // A user who cannot have what was asked for hears of nothing else before.
    if options.isQuiesced { _ = try context.mayStop(guest, isQuiesced: true) }
    try announce(plan)
    if isProtected { try context.checkScratch(of: plan.view) }
    let definition = try DomainDefinition(parsing: plan.manifest.domainXML)
    if !plan.isCopy, definition.hasAgent {
      let (told, isSilent) = try guest.information()
      plan.manifest.guestInformation = Manifest.fitting(told)
      if isSilent {
        observer.notice("the guest's agent does not answer: what it would tell is not recorded")
      }
    }

    // No operation is under way: what there is was left by clients that died, or by a guest that
    // stood still.
    try guest.monitor.removeDescriptorSets { _ in true }
    let isSuspended = try context.mayStop(guest, isQuiesced: options.isQuiesced)
    let pending = try begin(
      plan, isSuspended: plan.needsSuspension && isSuspended, isFrozen: options.isQuiesced)
    return try carryOut(plan, pending, isAsync: isAsync, deadline: deadline) {
      try context.telling(.guestEnded, ifEnded: guest) {
        try start(plan, pending, of: definition, in: guest)
      }
      return guest
    }
  }

  /// Freezes the disks of a running domain at one instant and starts their copies.
  private func start(
    _ plan: CreatePlan, _ pending: Catalog.Pending, of definition: DomainDefinition,
    in guest: any Guest
  ) throws {
    try openTargets(plan, pending: pending, owner: definition, in: guest.monitor)
    let readTPM = try plan.tpm.map { try context.reader(of: $0) }
    var earlier: [UInt8]?, tpm: [UInt8]?
    if plan.isProtected {
      try context.openView(
        plan.view, pending: pending, definition: definition, guest: guest,
        beforeInstant: { earlier = try readTPM?() }, atInstant: { tpm = try readTPM?() })
    } else {
      earlier = try readTPM?()
      try context.instant(
        of: pending, guest: guest, needsSuspension: plan.needsSuspension,
        frozenMark: plan.disks.first?.names.target
      ) {
        try startJobs(of: plan, in: guest.monitor)
        tpm = try readTPM?()
      }
    }
    if tpm != earlier, !plan.needsSuspension {
      observer.notice("the TPM changed during the instant: its state is one of a moment later")
    }
    // Another client that finds the jobs of an unprotected backup ready before this undoes it.
    try context.write(tpm, of: plan.manifest)
    if plan.isProtected { try startJobs(of: plan, in: guest.monitor) }
  }

  /// As ``Engine/document(ofCreate:domainUUID:)``.
  func document(
    of options: CreateOptions, domainUUID: String
  ) throws -> BackupDefinition {
    guard let guest = try hypervisor.guest(uuid: domainUUID) else {
      let (plan, looking, _) = try offlinePlan(
        options, domainUUID: domainUUID, operation: process.newUUID(), helper: process.newUUID(),
        catalog: catalog())
      try looking.end()
      return plan.document
    }
    return try plan(
      options, for: guest, isProtected: options.protection != .none, catalog: catalog()
    ).document
  }

  private func plan(
    _ options: CreateOptions, for guest: any Guest, isProtected: Bool, catalog: Catalog
  ) throws -> CreatePlan {
    let text = try guest.definition()
    let definition = try DomainDefinition(parsing: text)
    let nodes = try guest.monitor.blockNodes()
    let devices = try guest.monitor.blockDevices(of: definition)
    return try CreatePlan(
      options,
      in: .init(
        definition: definition, definitionText: text,
        inactiveText: try guest.inactiveDefinition(),
        isAutostart: try hypervisor.isAutostart(uuid: definition.uuid),
        nodes: nodes, devices: devices,
        catalog: context.inspected(catalog, domainUUID: definition.uuid, named: options.parents),
        state: context.stateSources(of: definition, nodes: nodes, devices: devices),
        support: ViewSupport(of: guest.monitor), time: process.time(),
        newUUID: process.newUUID), isProtected: isProtected)
  }
}
