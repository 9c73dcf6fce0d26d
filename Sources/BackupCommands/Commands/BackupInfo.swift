// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-info`: all that is known of a point.
  static var backupInfo: Command {
    Command(
      "backup-info", summary: "Show what is known of a backup",
      description: """
        Show a backup, its disks and the commands to restore it and to read it without this \
        program. Nothing is changed.
        """,
      options: [
        .recordedDomain, .backupname, .pool, .bool("xml", "print the manifest"), .json,
      ],
      rules: [.excludes("xml", "json")]
    ) { shell, arguments in
      let workplace = try Workplace(shell)
      let repository = try workplace.pools.repository(try arguments.string("pool"))
      let catalog = try Catalog(of: repository, refresh: !repository.isReadDirectly)
      let domain = try arguments.required("domain")
      let uuid = try workplace.domainUUID(domain, in: catalog)
      workplace.tellSuspended(catalog, domainUUID: uuid)
      let point = try catalog.point(try arguments.string("backupname"), of: uuid, named: domain)
      let description = BackupDescription(
        point: point, catalog: catalog, repository: repository,
        here: try? workplace.hypervisor.host(),
        problems: Inspection(catalog, in: repository).problems(of: point))
      try shell.present(description, arguments)
      return true
    }
  }
}

/// The output of `backup-info`.
private struct BackupDescription: Presentable {
  let point: Point
  let catalog: Catalog
  let repository: any Repository
  /// The host that is asked; nil where it does not say which it is.
  let here: HostIdentity?
  let problems: [Inspection.Problem]

  private var manifest: Manifest { point.manifest }
  private var state: String { point.state(problems) }
  private var children: [String] { catalog.children(of: manifest.uuid).map(\.manifest.name) }
  private var parent: String? { manifest.parent.map(name(of:)) }

  /// The guest's operating system, as its agent told it.
  private var guest: String? {
    let told = ["os.pretty-name", "hostname"].compactMap { manifest.guestInformation[$0] }
    return told.isEmpty ? nil : told.joined(separator: ", ")
  }

  /// The states that the domain had beside its disks, each with its key in a document and the volume.
  private var states: [(name: String, key: String, saved: Manifest.State?)] {
    let definition = try? DomainDefinition(parsing: manifest.domainXML)
    return [
      ("NVRAM", "nvram", definition?.nvram != nil, manifest.nvram),
      ("TPM", "tpm", definition?.tpm != nil, manifest.tpm),
    ].filter { $0.2 || $0.3 != nil }.map { ($0.0, $0.1, $0.3) }
  }

  /// The record of the checks of the point; nil where there were none.
  private var verification: Verification? { catalog.verification(of: point, in: repository) }
  private var hasChecksums: Bool {
    (try? catalog.checksums(of: point, in: repository))?.sums.isEmpty == false
  }

  private func name(of uuid: String) -> String { catalog.point(uuid: uuid)?.manifest.name ?? uuid }

  func show(on shell: Shell<Client>) {
    shell.printProperty("Name:", manifest.name)
    shell.printProperty("UUID:", manifest.uuid)
    shell.printProperty("Domain:", manifest.domainName)
    if catalog.hasSeveralHosts(of: manifest.domainUUID, here: here) {
      shell.printProperty("Host:", point.hostTitle ?? "-")
    }
    shell.printProperty("State:", state)
    shell.printProperty("Type:", point.type.rawValue)
    shell.printProperty("Created:", Timestamp.local(seconds: manifest.creationTime))
    if let text = manifest.description { shell.printProperty("Description:", text) }
    shell.printProperty("Protected:", manifest.isProtected ? "yes" : "no")
    shell.printProperty("Parent:", parent ?? "-")
    shell.printProperty("Children:", String(children.count))
    shell.printProperty("Descendants:", String(catalog.descendants(of: manifest.uuid).count))
    if let guest { shell.printProperty("Guest:", guest) }
    shell.printProperty("Consistency:", manifest.consistency.rawValue)
    shell.printProperty("Size:", ByteCount.text(point.size))
    if hasChecksums { shell.printProperty("SHA-256:", point.checksumsVolume) }
    for (name, text) in verification?.lines ?? [] { shell.printProperty(name, text) }
    for (name, _, saved) in states {
      shell.printProperty(
        "\(name):", saved.map { ByteCount.text($0.capacity) } ?? "not saved")
    }
    shell.print()
    var table = Table("Disk", "Mode", "Parent", "Capacity", "Size", "Reason", "Volume")
    for disk in manifest.disks {
      table.append(
        disk.name, disk.mode.rawValue, disk.parent.map(name(of:)) ?? "-",
        ByteCount.text(disk.capacity), ByteCount.text(disk.volume.size),
        disk.reason ?? "-", disk.volume.name)
    }
    shell.print(table)
    shell.print()
    guard problems.isEmpty else {
      shell.print("It cannot be restored:")
      for problem in problems { shell.print("  volume '\(problem.volume)': \(problem.text)") }
      return
    }
    showCommands(on: shell)
  }

  private func showCommands(on shell: Shell<Client>) {
    // A name that a terminal would not show as it is cannot be copied from there.
    let domain = manifest.domainName
    let words = [
      "virsh-backup", "backup-restore", domain.printable == domain ? domain : manifest.domainUUID,
      manifest.name, "--pool", repository.name,
    ]
    shell.print("To restore it:")
    shell.print("  " + words.map(Quoting.shell).joined(separator: " "))
    shell.print("To read it without this program:")
    for disk in manifest.disks {
      let path = Quoting.shell(repository.path(of: disk.volume.name))
      shell.print("  qemu-img convert -O raw \(path) \(disk.name).img")
    }
    let paths = manifest.disks.map { Quoting.shell(repository.path(of: $0.volume.name)) }
    shell.print("To take single files out of it (Debian's package guestmount):")
    shell.print("  guestmount --ro -i \(paths.map { "-a \($0)" }.joined(separator: " ")) /mnt")
    shell.print("  guestunmount /mnt")
    guard manifest.disks.count > 1 else { return }
    shell.print("The same of a disk that has only data, by the name of its file system:")
    for path in paths { shell.print("  guestmount --ro -a \(path) -m /dev/sda1 /mnt") }
  }

  func xml() throws -> String? { try manifest.xml() }

  var json: JSONValue {
    var members = point.jsonMembers(pool: repository.name, state: state, parent: parent)
    members["consistency"] = .string(manifest.consistency.rawValue)
    members["children"] = .array(children.map(JSONValue.string))
    members["checksums"] = .bool(hasChecksums)
    members["verified"] = Verification.json(verification)
    members["problems"] = .array(
      problems.map {
        .object(["volume": .string($0.volume), "problem": .string($0.text)])
      })
    for key in ["nvram", "tpm"] { members[key] = .null }
    for (_, key, saved) in states {
      guard let saved else { continue }
      members[key] = .object([
        "size": .int(Int64(clamping: saved.capacity)), "volume": .string(saved.volume.name),
        "path": .string(repository.path(of: saved.volume.name)),
      ])
    }
    members["guest"] = .object(manifest.guestInformation.mapValues(JSONValue.string))
    members["unsaved"] = .array(states.filter { $0.saved == nil }.map { .string($0.key) })
    members["disks"] = .array(
      manifest.disks.map { disk in
        var members = disk.jsonMembers(nameOfPoint: name(of:))
        members["path"] = .string(repository.path(of: disk.volume.name))
        return .object(members)
      })
    return .object(members)
  }
}
