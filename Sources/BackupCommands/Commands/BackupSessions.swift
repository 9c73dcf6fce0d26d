// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-start-nbd`: a frozen view of a domain for other backup software.
  static var backupStartNBD: Command {
    Command(
      "backup-start-nbd", summary: "Serve a frozen view of a domain's disks over NBD",
      description: """
        Start an NBD session: a read-only view of all or selected disks at one instant, which other \
        programs read while the guest goes on, with a bitmap of what changed since an earlier \
        session or backup. It is served until backup-finish-nbd ends it.
        """,
      options: [
        .domain(Completers.domains),
        .string(
          "xmlfile", "file with a <domainbackup> document of a pull mode backup", positional: true,
          completer: Completers.files),
        .string("backupname", "name of the session; the time in UTC if not given"),
        .string(
          "parent", "tell what changed since this finished session or backup",
          completer: Completers.sessionsAndBackups),
        .string(
          "stored", "serve this backup instead of the domain", completer: Completers.backups),
        .pool,
        .string(
          "scratch-pool", "storage pool for what the guest overwrites meanwhile",
          completer: Completers.pools),
        .string("socket", "serve on this unix socket; one of the domain's own if not given"),
        .string("address", "serve on this address of the hypervisor, 127.0.0.1 if not given"),
        .number("port", "serve on this TCP port, 0 for a free one"),
        .bool("tls", "serve to clients with a certificate only"),
        .string("tls-dir", "directory of the certificates on the hypervisor"),
        .bool("allow-plaintext", "serve without TLS on an address that others reach"),
        .bool("quiesce", "freeze the guest's file systems around the start"),
        .protected,
        .unprotected,
        .bool("print-xml", "print the document with every choice made, and do nothing"),
        .json,
        .list(
          "diskspec",
          "disk attributes: disk[,backup=yes|no][,backupmode=type][,incremental=name]"
            + "[,exportname=name][,exportbitmap=name]",
          completer: Completers.disksToBackUp),
      ],
      rules: [
        .excludes("socket", "address", "port"),
        .excludes(
          "stored", "parent", "quiesce", "scratch-pool", "xmlfile", "print-xml", "protected",
          "unprotected"),
        .protection, .excludes("json", "print-xml"), .requires("tls-dir", "tls"),
        .excludes("tls", "allow-plaintext"),
      ]
    ) { shell, arguments in
      let command = try RunningCommand(shell, arguments)
      let options = try SessionOptions(arguments, pools: command.workplace.pools)
      let engine = try command.engine()
      let catalog = try engine.catalog()
      let uuid = try command.domainUUID(in: catalog)
      let stored = try options.stored.map { try command.point($0, in: catalog) }
      if arguments.flag("print-xml") {
        let document = try engine.document(ofSession: options, domainUUID: uuid)
        shell.print(try document.xml(), terminator: "")
        return true
      }
      let report = try command.whileCaught(isQuiesced: options.isQuiesced) {
        try stored.map { try engine.startSession(of: $0, options: options) }
          ?? engine.startSession(domainUUID: uuid, options: options)
      }
      try shell.present(report, arguments)
      return true
    }
  }

  /// `backup-finish-nbd`: the end of a session.
  static var backupFinishNBD: Command {
    Command(
      "backup-finish-nbd", summary: "End an NBD session of a domain",
      description: """
        End an NBD session. What changes from its instant on stays recorded, so that the next \
        session can tell it; what the session itself was counted from is then no longer recorded. \
        With --failed it is the other way round.
        """,
      options: [
        .recordedDomain,
        .string(
          "backupname", "name of the session; the only one if not given", positional: true,
          completer: Completers.sessions),
        .pool,
        .bool("failed", "the reader did not get all: count from the earlier session again"),
        .bool("forget", "keep no record of changes for later sessions"),
      ],
      rules: [.excludes("failed", "forget")]
    ) { shell, arguments in
      let command = try RunningCommand(shell, arguments)
      let engine = try command.engine()
      let finished = try engine.finishSession(
        domainUUID: try command.domainUUID(in: engine.catalog()),
        name: try arguments.string("backupname"),
        isFailed: arguments.flag("failed"), forgets: arguments.flag("forget"))
      shell.printExtra(
        finished.map { "NBD session \($0) finished" } ?? "NBD sessions forgotten", terminator: "")
      return true
    }
  }
}

extension SessionOptions {
  /// Reads the options of backup-start-nbd.
  ///
  /// - Throws: `ShellError` for a value that makes no sense; what a pool that is not there throws.
  fileprivate init(_ arguments: Arguments, pools: Pools) throws {
    var exports: [String: Export] = [:]
    let disks = try arguments.strings("diskspec").map { text in
      let (request, export) = try DiskRequest.exported(diskspec: text)
      exports[request.name] = export
      return request
    }
    let port = try arguments.number("port", as: Int32.self).map { number in
      guard let port = UInt16(exactly: number) else {
        throw ShellError("invalid argument: port '\(number)' out of range")
      }
      return port
    }
    let address = try arguments.string("address")
    let socket = try arguments.string("socket")
    let isTCP = port != nil || address != nil
    self.init(
      name: try arguments.string("backupname"), parent: try arguments.string("parent"),
      stored: try arguments.string("stored"), disks: disks, exports: exports,
      listen: isTCP
        ? .tcp(host: address ?? "127.0.0.1", port: port == 0 ? nil : port)
        : socket.map { .unix(path: $0) },
      tlsDirectories: arguments.flag("tls")
        ? try arguments.string("tls-dir").map { [$0] } ?? SessionOptions.certificateDirectories
        : nil,
      allowsPlaintext: arguments.flag("allow-plaintext"),
      isQuiesced: arguments.flag("quiesce"),
      scratchDirectory: try arguments.string("scratch-pool").map {
        try pools.repository($0).directory
      }, document: try arguments.string("xmlfile").map { try LocalFile($0).backupDefinition() },
      protection: arguments.protection)
  }
}

extension SessionReport: Presentable {
  /// The session as the document of `backup-start-nbd --json`.
  var json: JSONValue {
    .object([
      "name": .string(name), "domain": .string(domain),
      "parent": parent.map(JSONValue.string) ?? .null, "disks": .array(disks.map(\.json)),
    ])
  }

  /// Shows what can be read where, and how.
  func show(on shell: Shell<Client>) {
    shell.printExtra("NBD session \(name) started\n")
    var table = Table("Disk", "Export", "Bitmap", "Size", "URI")
    for disk in disks {
      table.append(
        disk.name, disk.export, disk.metaContext ?? "-", ByteCount.text(disk.size), disk.uri)
    }
    shell.print(table)
    shell.printExtra("\nTo read it:")
    for disk in disks {
      shell.printExtra("  nbdcopy \(Quoting.shell(disk.uri)) \(Quoting.shell(disk.name)).img")
    }
    shell.printExtra("To end it:")
    shell.printExtra("  virsh-backup backup-finish-nbd \(Quoting.shell(domain)) \(name)")
  }
}

extension SessionReport.Disk {
  /// The NBD meta context that tells what changed; nil where all counts.
  var metaContext: String? { bitmap.map { "qemu:dirty-bitmap:\($0)" } }

  /// The disk as a member of `disks`.
  var json: JSONValue {
    .object([
      "name": .string(name), "export": .string(export),
      "bitmap": metaContext.map(JSONValue.string) ?? .null, "size": .int(Int64(clamping: size)),
      "uri": .string(uri),
    ])
  }
}
