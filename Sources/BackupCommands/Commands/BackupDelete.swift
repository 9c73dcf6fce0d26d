// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-delete`: points go, every other stays restorable.
  static var backupDelete: Command {
    Command(
      "backup-delete", summary: "Delete a backup of a domain",
      description: """
        Delete a backup; every other stays restorable: what those that stand on it need of it is \
        merged into them first. Or delete it with all that stand on it, or these alone; or only some \
        of its disks. The domain need not exist any more.
        """,
      options: [
        .recordedDomain,
        .string(
          "backupname", "backup name or uuid", required: true, completer: Completers.backups),
        .pool,
        .bool("children", "delete the backup and all its descendants"),
        .bool("children-only", "delete the descendants, not the backup"),
        .bool("async", "return once what other backups need is being copied"),
        .timeout,
        .verbose,
        .list("diskspec", "disk whose data alone is deleted", completer: Completers.disksOfBackup),
      ],
      rules: [.excludes("children", "children-only"), .asyncOrTimeout]
    ) { shell, arguments in
      let scope: DeleteScope =
        arguments.flag("children")
        ? .withChildren : arguments.flag("children-only") ? .childrenOnly : .point
      let name = try arguments.required("backupname")
      let command = try RunningCommand(shell, arguments, label: "Delete")
      let engine = try command.engine()
      let catalog = try engine.catalog()
      if let broken = try BackupDelete.broken(
        name, in: catalog, domain: try arguments.required("domain"), command.workplace)
      {
        guard scope == .point, arguments.strings("diskspec").isEmpty else {
          throw ShellError(
            "what stands on '\(name)' is not known: it is no backup that can be read")
        }
        do {
          try engine.deleteBroken(broken)
        } catch {
          throw ShellError("Failed to delete \(name)", because: error)
        }
        shell.printExtra("Manifest \(name) deleted", terminator: "")
        return true
      }
      let uuid = try command.domainUUID(in: catalog)
      let point = try catalog.point(name, of: uuid)
      let gone: [Deleted]?
      do {
        gone = try command.whileCaught {
          try engine.delete(
            point, scope: scope, disks: arguments.strings("diskspec"),
            isAsync: arguments.flag("async"), deadline: command.deadline)
        }
        if gone != nil { command.console.complete() }
      } catch {
        throw ShellError("Failed to delete backup \(point.manifest.name)", because: error)
      }
      guard let gone else {
        shell.printExtra("Deletion of domain backup \(point.manifest.name) started", terminator: "")
        return true
      }
      shell.printExtra(
        scope == .childrenOnly && gone.allSatisfy { $0.disks == nil }
          ? "Domain backup \(point.manifest.name) children deleted"
          : gone.map(\.text).joined(separator: "\n"), terminator: "")
      return true
    }
  }
}

/// What the command finds beside points.
private enum BackupDelete {
  /// A manifest that cannot be read and that a user means by a name; nil where that is a point's.
  static func broken(
    _ name: String, in catalog: Catalog, domain: String, _ workplace: Workplace
  ) throws -> Catalog.Broken? {
    guard let broken = catalog.broken.first(where: { $0.volume == name && !$0.isPartial }) else {
      return nil
    }
    // The domain may have no other.
    let uuid = try? workplace.domainUUID(domain, in: catalog)
    let isPoint = uuid.flatMap { try? catalog.point(name, of: $0) } != nil
    return isPoint ? nil : broken
  }
}

extension Deleted {
  /// What is gone, for people.
  fileprivate var text: String {
    guard let disks else { return "Domain backup \(point) deleted" }
    return
      "Disk \(disks.map { "'\($0)'" }.joined(separator: ", ")) of domain backup \(point) deleted"
  }
}
