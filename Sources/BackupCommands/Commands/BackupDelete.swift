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
      "backup-delete", summary: "Delete backups of a domain",
      description: """
        Delete backups; every other stays restorable: what those that stand on them need of them is \
        merged first. Or delete them with all that stand on them, or these alone; or only some of \
        their disks. The domain need not exist any more.
        """,
      options: [
        .recordedDomain,
        .list(
          "backupname", "backup name or uuid; several are deleted in one operation",
          required: true, completer: Completers.backups),
        .pool,
        .bool("children", "delete the backups and all their descendants"),
        .bool("children-only", "delete the descendants, not the backups"),
        .bool("async", "return once what other backups need is being copied"),
        .timeout,
        .verbose,
        .list(
          "diskspec", "disk whose data alone is deleted", positional: false,
          completer: Completers.disksOfBackup),
      ],
      rules: [.excludes("children", "children-only"), .asyncOrTimeout]
    ) { shell, arguments in
      let scope: DeleteScope =
        arguments.flag("children")
        ? .withChildren : arguments.flag("children-only") ? .childrenOnly : .point
      let names = arguments.strings("backupname")
      let command = try RunningCommand(shell, arguments, label: "Delete")
      let engine = try command.engine()
      let catalog = try engine.catalog()
      for name in names {
        guard
          let broken = try BackupDelete.broken(
            name, in: catalog, domain: try arguments.required("domain"), command.workplace)
        else { continue }
        guard names.count == 1 else {
          throw ShellError("'\(name)' is no backup that can be read: delete it alone")
        }
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
      let domain = try arguments.required("domain")
      let uuid = try command.domainUUID(in: catalog)
      let titles = try names.map { try catalog.nameToDelete($0, of: uuid, named: domain) }
      let gone: [Deleted]?
      do {
        gone = try command.whileCaught {
          try engine.delete(
            names, of: uuid, scope: scope, disks: arguments.strings("diskspec"),
            isAsync: arguments.flag("async"), deadline: command.deadline)
        }
        if gone != nil { command.console.complete() }
      } catch {
        throw ShellError("Failed to delete \(BackupDelete.title(titles))", because: error)
      }
      shell.printExtra(BackupDelete.text(gone, of: titles, scope: scope), terminator: "")
      return true
    }
  }
}

/// The search for manifests that cannot be read, and the messages of the command.
private enum BackupDelete {
  /// The backups of some names, for people.
  static func title(_ names: [String]) -> String {
    "\(names.count == 1 ? "backup" : "backups") \(names.joined(separator: ", "))"
  }

  /// Makes the message on a delete that was done or started.
  ///
  /// - Parameters:
  ///   - gone: What is gone; nil where it goes later.
  ///   - names: Names of the backups that were named.
  ///   - scope: What goes with them.
  /// - Returns: The message.
  static func text(_ gone: [Deleted]?, of names: [String], scope: DeleteScope) -> String {
    guard let gone else { return "Deletion of domain \(title(names)) started" }
    if scope == .childrenOnly, gone.allSatisfy({ $0.disks == nil }) {
      return "Domain \(title(names)) children deleted"
    }
    return gone.map(\.text).joined(separator: "\n")
  }

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
