// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-protect`: nothing deletes a point until it is let go.
  static var backupProtect: Command {
    Command(
      "backup-protect", summary: "Protect a backup from being deleted",
      description: """
        Protect a backup: it is neither deleted nor pruned, nor are disks of it, until --off lets it \
        go again.
        """,
      options: [
        .recordedDomain, .namedBackup, .bool("off", "let the backup be deleted again"), .pool,
      ]
    ) { shell, arguments in
      let (engine, point) = try RunningCommand(shell, arguments).point()
      let name = point.manifest.name
      let isProtected = !arguments.flag("off")
      do {
        try engine.protect(point, isProtected)
      } catch {
        throw ShellError("Failed to change the protection of backup \(name)", because: error)
      }
      shell.printExtra(
        "Domain backup \(name) \(isProtected ? "protected" : "not protected any more")",
        terminator: "")
      return true
    }
  }

  /// `backup-desc`: what a user wrote about a point.
  static var backupDesc: Command {
    Command(
      "backup-desc", summary: "Show or set the description of a backup",
      description: """
        Show what was written about a backup, or write something else; an empty text removes it.
        """,
      options: [
        .recordedDomain, .namedBackup, .pool, .list("text", "the new description"),
      ]
    ) { shell, arguments in
      let words = arguments.strings("text")
      guard !words.isEmpty else {
        let point = try RunningCommand(shell, arguments).readPoint()
        shell.print(
          point.manifest.description?.printable
            ?? "No description for domain backup: \(point.manifest.name)")
        return true
      }
      let (engine, point) = try RunningCommand(shell, arguments).point()
      let text = words.joined(separator: " ")
      do {
        try engine.describe(point, text.isEmpty ? nil : text)
      } catch {
        throw ShellError(
          "Failed to set the description of backup \(point.manifest.name)", because: error)
      }
      shell.printExtra("Domain backup description updated successfully", terminator: "")
      return true
    }
  }
}

extension Vsh.Option where Context == Client {
  /// The backup, which must be named: the newest is not meant by chance.
  fileprivate static var namedBackup: Vsh.Option<Client> {
    .string("backupname", "backup name or uuid", required: true, completer: Completers.backups)
  }
}

extension RunningCommand {
  /// The point that is named, and the engine that can change it.
  fileprivate func point() throws -> (engine: Engine, point: Point) {
    let engine = try engine()
    return (engine, try point(try arguments.required("backupname"), in: engine.catalog()))
  }

  /// The point that is named, as a command finds it that changes nothing.
  fileprivate func readPoint() throws -> Point {
    let repository = try workplace.pools.repository(try arguments.string("pool"))
    let catalog = try Catalog(of: repository, refresh: !repository.isReadDirectly)
    return try point(try arguments.required("backupname"), in: catalog)
  }
}
