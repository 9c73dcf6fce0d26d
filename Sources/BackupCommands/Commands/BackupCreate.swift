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
  /// `backup-create`: one consistent point of a running domain.
  static var backupCreate: Command {
    Command(
      "backup-create", summary: "Create a backup of a domain",
      description: """
        Create one consistent backup of all or selected disks of a domain, running or shut off, \
        with its definition, in a storage pool. Each disk is incremental where everything that \
        changed since an earlier backup is known, else full; the reason of every full is printed.

        An XML file describes the backup as backup-begin takes it, in push mode; options go before \
        it. Where it names a <target> for its disks, copies are made there that no pool lists and \
        no later backup stands on.
        """,
      options: [
        .domain(),
        .string(
          "xmlfile", "domain backup XML: /dev/stdin or a file", positional: true,
          completer: Completers.files),
        .pool,
        .string("backupname", "name of the backup; the time in UTC if not given"),
        .string("description", "what the backup is for"),
        .bool("full", "back up all data of every disk"),
        .bool("incremental", "fail if a disk would have to be backed up in full"),
        .string(
          "parent", "back up all that changed since this backup", completer: Completers.backups),
        .bool("quiesce", "freeze the guest's file systems around the start"),
        .string(
          "compress", "compress the data: zstd or zlib",
          completer: { _, _ in Qcow2Compression.allCases.map(\.rawValue).sorted() }),
        .bandwidth,
        .bytes,
        .string(
          "fleecing", "storage pool for what the guest overwrites meanwhile",
          completer: Completers.pools),
        .protected,
        .unprotected,
        .bool(
          "allow-plaintext", "copy disks that are encrypted to images that are not"),
        .bool("checksum", "make checksums of the data when the backup is complete"),
        .bool("async", "return as soon as the data is being copied"),
        .timeout,
        .verbose,
        .json,
        .bool("print-xml", "print the XML with every choice made, and do nothing"),
        .list(
          "diskspec", "disk attributes: disk[,backup=yes|no][,backupmode=type][,incremental=name]",
          completer: Completers.disksToBackUp),
      ],
      rules: [
        .excludes("full", "incremental", "parent"), .asyncOrTimeout,
        .excludes("async", "checksum"), .protection,
        .excludes("fleecing", "unprotected"), .excludes("json", "print-xml"), .unitOfBandwidth,
      ]
    ) { shell, arguments in
      let command = try RunningCommand(shell, arguments)
      let domain = try shell.context.domain(try arguments.required("domain"))
      var options = try CreateOptions(arguments, pools: command.workplace.pools)
      options.hasChecksums = arguments.flag("checksum")
      if options.hasChecksums, options.document?.hasTargets == true {
        throw ShellError("--checksum is for backups in a pool, not for copies")
      }
      let engine = try command.engine()
      if arguments.flag("print-xml") {
        let document = try engine.document(ofCreate: options, domainUUID: domain.uuid)
        shell.print(try document.xml(), terminator: "")
        return true
      }
      let isAsync = arguments.flag("async")
      let manifest = try command.whileCaught(isQuiesced: options.isQuiesced) {
        try engine.create(
          domainUUID: domain.uuid, options: options, isAsync: isAsync,
          deadline: command.deadline)
      }
      if !isAsync { command.console.complete() }
      try shell.present(
        CreateReport(
          manifest: manifest, pool: engine.poolName, isAsync: isAsync, copies: options.copies,
          catalog: try? engine.catalog()),
        arguments)
      return true
    }
  }
}

extension Qcow2Compression {
  /// Reads the value of `--compress`.
  ///
  /// - Throws: `ShellError` for another word.
  fileprivate init(naming word: String) throws {
    guard let compression = Qcow2Compression(rawValue: word) else {
      throw ShellError("compression '\(word)' is not one of zstd, zlib")
    }
    self = compression
  }
}

extension CreateOptions {
  /// Reads the options of backup-create, and the document they name.
  ///
  /// - Throws: `ShellError` for a value that makes no sense; what a pool that is not there throws.
  fileprivate init(_ arguments: Arguments, pools: Pools) throws {
    self.init(
      name: try arguments.string("backupname"),
      description: try arguments.string("description"), isFull: arguments.flag("full"),
      isIncremental: arguments.flag("incremental"), parent: try arguments.string("parent"),
      disks: try arguments.strings("diskspec").map(DiskRequest.init(diskspec:)),
      isQuiesced: arguments.flag("quiesce"), bandwidth: try Workplace.bandwidth(arguments),
      scratchDirectory: try arguments.string("fleecing").map { try pools.repository($0).directory },
      document: try arguments.string("xmlfile").map { try LocalFile($0).backupDefinition() },
      allowsPlaintext: arguments.flag("allow-plaintext"),
      compression: try arguments.string("compress").map(Qcow2Compression.init(naming:)),
      protection: arguments.protection)
  }

  /// The disks that are copied to targets of the document, and where to.
  fileprivate var copies: [(disk: String, path: String)] {
    let excluded = Set(disks.filter { !$0.isIncluded }.map(\.name))
    return (document?.hasTargets == true ? document?.disks ?? [] : []).compactMap { disk in
      excluded.contains(disk.name) ? nil : disk.store.map { (disk.name, $0.path) }
    }
  }
}
