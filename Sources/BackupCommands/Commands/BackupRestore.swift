// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-restore`: disks and definition as they were at the instant.
  static var backupRestore: Command {
    Command(
      "backup-restore", summary: "Restore a domain from a backup",
      description: """
        Restore all or selected disks of a domain that is gone, and define it again; replace \
        the disks of one that is shut off with --overwrite; or make a copy beside it with \
        --newname. New files never take the place of others.
        """,
      options: [
        .recordedDomain,
        .backupname,
        .pool,
        .string("newname", "make a copy of the domain with this name"),
        .string(
          "target-pool", "storage pool for the disks: name, uuid or absolute directory",
          completer: Completers.pools),
        .string(
          "format", "format of the disks: qcow2 or raw", completer: { _, _ in ["qcow2", "raw"] }),
        .bool("overwrite", "replace the disks and the definition of a domain that is shut off"),
        .bool("keep-old", "with --overwrite: keep the files that are replaced"),
        .bool("no-define", "restore the disks only"),
        .bool("start", "start the domain"),
        .bool("paused", "start the domain paused"),
        .bool("live", "start the domain at once and restore its data while it runs"),
        .bandwidth,
        .bytes,
        .bool("async", "return once the data moves"),
        .timeout,
        .verbose,
        .bool("print-xml", "print the definition that would be defined, and do nothing"),
        .list(
          "diskspec",
          "disk attributes: disk[,file=path][,stype=file|block][,driver=qcow2|raw][,pool=name]",
          completer: Completers.disksToRestore),
      ],
      rules: [
        .excludes("overwrite", "newname", "no-define"), .requires("keep-old", "overwrite"),
        .excludes("no-define", "start", "paused", "live"), .excludes("overwrite", "live"),
        .excludes("print-xml", "no-define", "live"), .asyncOrTimeout, .unitOfBandwidth,
      ]
    ) { shell, arguments in
      let deadline = try Workplace.deadline(arguments)
      let workplace = try Workplace(shell)
      let console = Console(
        shell, label: "Restore", isVerbose: arguments.flag("verbose"), usesErrorOutput: true)
      let engine = try workplace.engine(pool: try arguments.string("pool"), observer: console)
      let catalog = try engine.catalog()
      let uuid = try workplace.domainUUID(try arguments.required("domain"), in: catalog)
      let point =
        if let name = try arguments.string("backupname") {
          try catalog.point(name, of: uuid)
        } else {
          try catalog.newestToRestore(
            of: uuid, here: try workplace.hypervisor.host(),
            isOverwriting: arguments.flag("overwrite"))
        }
      let isPaused = arguments.flag("paused")
      let options = RestoreOptions(
        newName: try arguments.string("newname"),
        targetDirectory: try arguments.string("target-pool").map {
          try workplace.pools.repository($0).directory
        },
        format: try arguments.string("format"),
        disks: try arguments.strings("diskspec").map {
          try RestoreOptions.DiskRequest(
            diskspec: $0, directory: workplace.hypervisor.poolDirectory(name:))
        },
        isOverwriting: arguments.flag("overwrite"), keepsOld: arguments.flag("keep-old"),
        isDefined: !arguments.flag("no-define"), isStarted: arguments.flag("start") || isPaused,
        isPaused: isPaused, bandwidth: try Workplace.bandwidth(arguments))

      let emulators = try trustedEmulators(shell)
      if arguments.flag("print-xml") {
        let definition = try engine.definition(
          ofRestore: point, options: options, emulators: emulators)
        shell.print(definition ?? "", terminator: "")
        return true
      }
      if arguments.flag("live") {
        let restored = try shell.context.interrupt.whileCaught(deadline: deadline) {
          try engine.restoreLive(
            point, isNamed: try arguments.string("backupname") != nil, options: options,
            emulators: emulators, isAsync: arguments.flag("async"), deadline: deadline
          ) { try announce($0, engine: engine, workplace: workplace, shell: shell) }
        }
        if restored.isComplete { console.complete() }
        shell.printExtra(
          "Domain '\(restored.domainName)' "
            + (restored.isComplete ? "restored" : "started") + " from backup \(restored.pointName)",
          terminator: "")
        return true
      }
      let restored = try shell.context.interrupt.whileCaught(deadline: deadline) {
        try engine.restore(
          point, options: options, emulators: emulators, isAsync: arguments.flag("async"),
          deadline: deadline
        ) {
          try announce(point, engine: engine, workplace: workplace, shell: shell)
        }
      }
      if arguments.flag("async") {
        shell.printExtra(
          "Restore of domain '\(restored.domain)' from backup \(point.manifest.name) started",
          terminator: "")
        return true
      }
      console.complete()
      if options.isDefined {
        shell.printExtra(
          "Domain '\(restored.domain)' restored from backup \(point.manifest.name)",
          terminator: "")
      } else {
        let paths = restored.disks.map { "\($0.name) \($0.path)" }
        shell.printExtra(
          "Disks restored from backup \(point.manifest.name):\n" + paths.joined(separator: "\n"),
          terminator: "")
      }
      return true
    }
  }

  /// Says what will be restored, and whether there is something newer.
  private static func announce(
    _ point: Point, engine: Engine, workplace: Workplace, shell: Shell<Client>
  ) throws {
    guard !shell.isQuiet else { return }
    let manifest = point.manifest
    let catalog = try engine.catalog(), here = try workplace.hypervisor.host()
    let isNamed =
      !point.isOf(here) || catalog.hasSeveralHosts(of: manifest.domainUUID, here: here)
    let host = isNamed ? ", made on host '\(point.hostTitle ?? here.title)'" : ""
    shell.printNotice(
      "Restoring domain '\(manifest.domainName)' from backup \(manifest.name) of "
        + "\(Timestamp.local(seconds: manifest.creationTime)) in pool '\(engine.poolName)'\(host)")
    if let other = catalog.points(of: manifest.domainUUID).last, !other.isOf(here),
      other.manifest.sequence > manifest.sequence
    {
      shell.printNotice(
        "Pool '\(engine.poolName)' holds a newer backup of host '\(other.hostTitle ?? "")': "
          + "\(other.manifest.name) of \(Timestamp.local(seconds: other.manifest.creationTime))")
    }
    for repository in try workplace.pools.all() where repository.name != engine.poolName {
      // A pool that is refreshed while others work in it may be stopped by libvirt.
      guard
        let newer = try? Catalog(of: repository, refresh: false)
          .points(of: manifest.domainUUID).last?.manifest,
        newer.creationTime > manifest.creationTime
      else { continue }
      shell.printNotice(
        "Pool '\(repository.name)' holds a newer backup: \(newer.name) of "
          + Timestamp.local(seconds: newer.creationTime))
    }
  }

  /// Emulators the host itself offers.
  private static func trustedEmulators(_ shell: Shell<Client>) throws -> Set<String> {
    try HostCapabilities.emulators(in: try shell.context.connection().capabilities)
  }
}
