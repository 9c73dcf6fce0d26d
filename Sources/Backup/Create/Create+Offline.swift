// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Create {
  /// Makes a point of a domain that is shut off: a helper domain has its disks open meanwhile, so
  /// that it cannot be started.
  func createOffline(
    domainUUID: String, options: CreateOptions, isAsync: Bool, deadline: ContinuousClock.Instant?
  ) throws -> Manifest {
    let catalog = try catalog()
    if let other = try journal.ownPending(of: domainUUID, in: catalog).first {
      throw BackupError.occupied(by: other)
    }
    let operation = process.newUUID()
    // What the images have of bitmaps only QEMU can tell, so a helper comes before the plan, and
    // ends with our connection. One that is to go on without us comes after the plan is written
    // down, and before the first goes: the domain cannot be started in between.
    let (plan, looking, disks) = try offlinePlan(
      options, domainUUID: domainUUID, operation: operation,
      helper: isAsync ? process.newUUID() : operation, catalog: catalog)
    do {
      try announce(plan)
      let pending = try begin(plan, helper: OperationID(operation).helper)
      return try carryOut(plan, pending, isAsync: isAsync, deadline: deadline) {
        var held = looking
        if isAsync {
          held = try HelperDomain.start(
            disks, operation: operation,
            domain: try DomainDefinition(parsing: plan.manifest.domainXML), isTrusted: true,
            outlivesClient: true, in: context)
          try looking.end()
        }
        let owner = try DomainDefinition(parsing: try held.guest.definition())
        try openTargets(plan, pending: pending, owner: owner, in: held.guest.monitor)
        try context.write(plan.tpm.map { try context.reader(of: $0)() }, of: plan.manifest)
        try journal.requireUnderWay(pending)
        if let command = plan.selectChanges { try held.guest.monitor.execute(command) }
        try startJobs(of: plan, in: held.guest.monitor)
        return held.guest
      }
    } catch {
      try? looking.end()
      throw error
    }
  }

  /// Decides what a backup of a shut-off domain will be.
  ///
  /// - Parameters:
  ///   - options: What the user asked for.
  ///   - domainUUID: The domain.
  ///   - operation: The operation's UUID.
  ///   - helper: UUID that the helper gets its name from.
  ///   - catalog: The pool.
  /// - Returns: The plan, a helper that has the disks until our connection ends, and these as any
  ///   helper has them.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the helper is gone then.
  func offlinePlan(
    _ options: CreateOptions, domainUUID: String, operation: String, helper: String,
    catalog: Catalog
  ) throws -> (CreatePlan, HelperDomain, [HelperDomain.Disk]) {
    guard let text = try hypervisor.inactiveDefinition(uuid: domainUUID), !options.isQuiesced else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    let definition = try DomainDefinition(parsing: text)
    let targets = try DiskSelection(
      options.merged(in: definition).disks, in: definition,
      allowsPlaintext: options.allowsPlaintext
    ).chosen.map(\.disk.target)
    var (state, nvram) = try context.stateSources(of: definition, text: text)
    let disks = try HelperDomain.disks(targets, of: text) + [nvram].compactMap(\.self)
    let looking = try HelperDomain.start(
      disks, operation: helper, domain: definition, isTrusted: true, in: context)
    do {
      var situation = context.situation(
        definition, text: text, nodes: try looking.guest.monitor.blockNodes(),
        devices: [],
        catalog: context.inspected(catalog, domainUUID: domainUUID, named: options.parents))
      if nvram != nil, let held = looking.disks.last {
        state.nvram = .init(node: held.node.nodeName, capacity: held.capacity)
      }
      situation.state = state
      situation.isAutostart = try hypervisor.isAutostart(uuid: domainUUID)
      let plan = try CreatePlan(
        options, in: situation, operation: operation, isRunning: false, live: looking.disk(of:))
      return (plan, looking, disks)
    } catch {
      try? looking.end()
      throw error
    }
  }
}

extension HelperDomain {
  /// What QEMU has for a disk of the domain.
  ///
  /// - Throws: ``BackupError`` with code `failed` when it has nothing.
  func disk(of disk: DomainDefinition.Disk) throws -> LiveDisk {
    guard let live = disks.first(where: { $0.name == disk.target }) else {
      throw BackupError(.failed, "QEMU has no device for disk '\(disk.target)'")
    }
    return live
  }
}
