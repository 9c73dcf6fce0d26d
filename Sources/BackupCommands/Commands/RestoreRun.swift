// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt
import Vsh

/// A restore as the command line asks for it.
struct RestoreRun {
  private let command: RunningCommand
  private let engine: Engine
  private let point: Point
  private let options: RestoreOptions
  /// Emulators that the host itself offers: no other is started because a backup names it.
  private let emulators: Set<String>
  private var isAsync: Bool { command.arguments.flag("async") }

  /// Reads the options, and looks up the point that they mean.
  ///
  /// - Throws: `ShellError` for a value that makes no sense; ``BackupError`` for a domain or a backup
  ///   that is not there; what a pool that is not there throws.
  init(_ command: RunningCommand) throws {
    self.command = command
    engine = try command.engine()
    let catalog = try engine.catalog()
    point =
      if let name = try command.arguments.string("backupname") {
        try command.point(name, in: catalog)
      } else {
        try catalog.newestToRestore(
          of: command.domainUUID(in: catalog), named: try command.arguments.required("domain"),
          here: try command.workplace.hypervisor.host(),
          isOverwriting: command.arguments.flag("overwrite"))
      }
    options = try RestoreOptions(command.arguments, command.workplace)
    emulators = try HostCapabilities.emulators(
      in: try command.shell.context.connection().capabilities)
  }

  /// Restores, or prints the definition if no more is asked for.
  ///
  /// - Throws: What the engine throws.
  func run() throws {
    if command.arguments.flag("print-xml") {
      let definition = try engine.definition(
        ofRestore: point, options: options, emulators: emulators)
      command.shell.print(definition ?? "", terminator: "")
      return
    }
    let end = try command.arguments.flag("live") ? restoreLive() : restore()
    command.shell.printExtra(end, terminator: "")
  }

  /// Copies the data, and defines the domain then.
  ///
  /// - Returns: What was done, for people.
  private func restore() throws -> String {
    let name = point.manifest.name
    let restored = try command.whileCaught {
      try engine.restore(
        point, options: options, emulators: emulators, isAsync: isAsync,
        deadline: command.deadline
      ) { try announce(point) }
    }
    if isAsync { return "Restore of domain '\(restored.domain)' from backup \(name) started" }
    command.console.complete()
    for disk in restored.disks {
      if let line = disk.replacement { command.shell.printNotice(line) }
    }
    if options.isDefined { return "Domain '\(restored.domain)' restored from backup \(name)" }
    let paths = restored.disks.map { "\($0.name) \($0.path)" }
    return "Disks restored from backup \(name):\n" + paths.joined(separator: "\n")
  }

  /// Starts the domain, and copies the data while it runs.
  ///
  /// - Returns: What was done, for people.
  private func restoreLive() throws -> String {
    let restored = try command.whileCaught {
      try engine.restoreLive(
        point, isNamed: try command.arguments.string("backupname") != nil, options: options,
        emulators: emulators, isAsync: isAsync, deadline: command.deadline
      ) { try announce($0) }
    }
    if restored.isComplete { command.console.complete() }
    return "Domain '\(restored.domainName)' \(restored.isComplete ? "restored" : "started") "
      + "from backup \(restored.pointName)"
  }

  /// Says what will be restored, and whether there is something newer.
  private func announce(_ point: Point) throws {
    let (shell, workplace) = (command.shell, command.workplace)
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
}

extension RestoreOptions {
  /// Reads the options of backup-restore.
  ///
  /// - Throws: `ShellError` for a value that makes no sense; what a pool that is not there throws.
  fileprivate init(_ arguments: Arguments, _ workplace: Workplace) throws {
    self.init(
      try Destination(arguments),
      targetDirectory: try arguments.string("target-pool").map {
        try workplace.pools.repository($0).directory
      },
      format: try arguments.string("format"),
      disks: try arguments.strings("diskspec").map {
        try DiskRequest(diskspec: $0, directory: workplace.hypervisor.poolDirectory(name:))
      },
      start: arguments.flag("paused") ? .paused : arguments.flag("start") ? .running : .none,
      bandwidth: try Workplace.bandwidth(arguments))
    isVerified = !arguments.flag("no-verify")
  }
}

extension RestoreOptions.Destination {
  /// Reads what becomes of the restored point.
  ///
  /// - Throws: `ShellError` for a value that makes no sense.
  fileprivate init(_ arguments: Arguments) throws {
    let newName = try arguments.string("newname")
    if arguments.flag("no-define") {
      self = .disksOnly(name: newName)
    } else if arguments.flag("overwrite") {
      self = .over(keepsOld: arguments.flag("keep-old"))
    } else {
      self = newName.map { .copy(name: $0) } ?? .original
    }
  }
}

extension Restored.Disk {
  /// Message on the disk's new file and the fate of its old one; nil where nothing was replaced.
  fileprivate var replacement: String? {
    guard let replaced else { return nil }
    guard let old = replaced.path, old != path else { return "disk '\(name)': now '\(path)'" }
    return "disk '\(name)': now '\(path)', '\(old)' is \(replaced.isKept ? "kept" : "deleted")"
  }
}
