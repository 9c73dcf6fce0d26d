// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import QMP
import TestSupport
import Testing

/// Every command we can send, against what the running QEMU says it understands.
struct SchemaTests {
  /// An encryption with every choice made.
  static let encryption: LUKSOptions = {
    var options = LUKSOptions(keySecret: "s")
    options.cipher = "aes-256"
    options.cipherMode = "cbc"
    options.hash = "sha256"
    options.generator = "essiv"
    options.generatorHash = "sha256"
    options.iterationTime = 10
    return options
  }()

  /// One of each, with every argument it can have.
  static let samples: [QMP.Command] =
    BlockdevOptions.Access.allCases.flatMap { access -> [QMP.Command] in
      [
        .blockdevAdd(.file("vb-f", filename: "/x", readOnly: true, access: access)),
        .blockdevAdd(.file("vb-d", filename: "/x", isDevice: true, access: access)),
        .blockdevAdd(.image("vb-s", format: "raw", file: "vb-d", size: 512, access: access)),
        .blockdevAdd(.image("vb-q", format: "qcow2", file: "vb-f", access: access)),
        .blockdevAdd(.image("vb-r", format: "raw", file: "vb-f", access: access)),
      ]
    } + [
      .blockdevAdd(.layer("l", file: "f", backing: "b", readOnly: true)),
      .blockdevAdd(.layer("l", file: "f", backing: nil, readOnly: false)),
      .blockdevAdd(.null("n")),
      .blockdevAdd(.copyBeforeWrite("vb-c", file: "a", target: "b", timeout: 15)),
      .blockdevAdd(.snapshotAccess("vb-v", file: "vb-c")),
      .blockdevAdd(.window("vb-w", file: "vb-v", size: 65536)),
      .blockdevAdd(.null("vb-n", size: 65536)),
      .blockdevAdd(
        .image("vb-q", format: "qcow2", file: "vb-f", backing: "n", access: .buffered)),
      .createImage(jobID: "j", format: "qcow2", file: "vb-d", size: 512),
      .createImage(
        jobID: "j", format: "qcow2", file: "vb-d", size: 512, compression: .zstd, backing: "b"),
      .createImage(jobID: "j", format: "qcow2", file: "vb-d", size: 512, encryption: encryption),
      .createImage(jobID: "j", format: "luks", file: "vb-d", size: 512, encryption: encryption),
      .blockdevAdd(
        .image("vb-l", format: "luks", file: "vb-d", keySecret: "s", access: .buffered)),
      .blockdevAdd(
        .image("vb-l", format: "qcow2", file: "vb-d", keySecret: "s", access: .buffered)),
      .addSecret(id: "s", value: [0, 255]), .objectDel("s"),
      .blockdevDel("vb-v"),
      .setDrive(device: "/machine/x", node: "vb-c"),
      .reopen([.relay("vb-y", file: "a"), .relay("vb-z", file: "b")]),
      .markAdd(node: "a", name: "b"), .bitmapRemove(node: "a", name: "b"), .stop,
      .transaction([
        .bitmapAdd(node: "a", name: "b", persistent: true, disabled: true, granularity: 65536),
        .bitmapMerge(node: "a", target: "b", sources: [(node: "c", name: "d")]),
        .bitmapRemove(node: "a", name: "b"),
        .blockdevBackup(
          BlockdevBackup(
            jobID: "j", device: "a", target: "b", bitmap: "c", filterNodeName: "f", speed: 1,
            maxWorkers: 16, maxChunk: 65536, isCompressed: true)),
        .blockdevBackup(
          BlockdevBackup(
            jobID: "j", device: "a", target: "b", bitmap: nil, isCopyBeforeWrite: true,
            filterNodeName: "f")),
        .blockdevBackup(
          BlockdevBackup(jobID: "j", device: "a", target: "b", bitmap: nil, filterNodeName: "f")),
      ]),
      .blockdevMirror(jobID: "j", device: "a", target: "b", filterNodeName: "f"),
      .endMirror("j"), .jobFinalize("j"), .jobDismiss("j"), .jobCancel("j"),
      .blockJobSetSpeed("j", speed: 1),
      .addFd(set: nil, opaque: "f"), .addFd(set: 1, opaque: "f"), .removeFd(set: 1),
      Command("query-named-block-nodes", ["flat": true]),
      Command("qom-get", ["path": "/machine/x", "property": "drive"]),
      Command("query-jobs"), Command("query-fdsets"),
      .blockdevReopen("a", format: "qcow2", file: "b", backing: "c", readOnly: false),
      .blockdevReopen("a", format: "qcow2", file: "b", backing: nil, readOnly: true),
      .nbdServerStart(.unix(path: "/x"), tlsCredentials: nil),
      .nbdServerStart(.inet(host: "127.0.0.1", port: 1), tlsCredentials: "t"), .nbdServerStop,
      .blockExportAdd(NBDExport(id: "e", node: "n", name: "x", bitmap: nil)),
      .blockExportAdd(NBDExport(id: "e", node: "n", name: "x", bitmap: "b")),
      .blockExportDel("e"), .addTLSCredentials("t", directory: "/x"), .objectDel("t"),
      Command("query-block-exports"), Command("query-chardev"),
      Command("query-version"), Command("query-iothreads"),
      Command("qom-list", ["path": "/objects"]),
    ]

  @Test(arguments: LibvirtMode.available)
  func `QEMU understands every command and each of its arguments`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let domain = try TestDomain(libvirt, disks: [TestDisk("vda", size: 1 << 20)])
    defer { domain.remove() }
    let reply = try libvirt.virsh(
      "qemu-monitor-command", domain.name, Command("query-qmp-schema").json)
    let schema = try Schema(reply)
    for command in SchemaTests.samples { #expect(schema.objections(to: command) == []) }

    // What it does not understand is found.
    for wrong in [
      Command("blockdev-ad"), Command("job-cancel"), Command("job-cancel", ["id": 1]),
      Command("job-cancel", ["id": "j", "force": true]), Command("query-jobs", ["x": 1]),
      Command("blockdev-add", ["driver": "copy-before-write", "node-name": "a", "file": "b"]),
      Command("blockdev-add", ["driver": "raw", "node-name": "a", "file": "b", "backing": nil]),
      Command("transaction", ["actions": [["type": "job-cancel", "data": [:]]]]),
    ] {
      #expect(schema.objections(to: wrong).isEmpty == false, "\(wrong.json)")
    }
  }
}

/// What `query-qmp-schema` answers.
private struct Schema {
  private struct Reply: Decodable {
    var `return`: [JSONValue]
  }

  private var types: [String: JSONValue] = [:]
  private var commands: [String: JSONValue] = [:]

  init(_ text: String) throws {
    for entry in try JSONDecoder().decode(Reply.self, from: Data(text.utf8)).return {
      guard let name = entry["name"]?.string else { continue }
      if entry["meta-type"] == "command" { commands[name] = entry } else { types[name] = entry }
    }
  }

  /// What QEMU would not understand of a command.
  func objections(to command: QMP.Command) -> [String] {
    guard let type = commands[command.execute]?["arg-type"]?.string else {
      return ["there is no command \(command.execute)"]
    }
    return objections(to: .object(command.arguments), type, at: command.execute)
  }

  private func objections(to value: JSONValue, _ name: String, at path: String) -> [String] {
    let type = types[name] ?? .null
    switch (type["meta-type"]?.string, value) {
    case ("object", .object(let members)):
      return objections(to: members, type, at: path)
    case ("array", .array(let elements)):
      let element = type["element-type"]?.string ?? ""
      return elements.flatMap { objections(to: $0, element, at: path + "[]") }
    case ("enum", .string(let word)):
      let names = list(type["members"]).compactMap { $0["name"]?.string }
      return names.contains(word) ? [] : ["\(path): \(word) is none of \(names)"]
    case ("alternate", _):
      let choices = list(type["members"]).compactMap { $0["type"]?.string }
      let fits = choices.contains { objections(to: value, $0, at: path).isEmpty }
      return fits ? [] : ["\(path): \(value.text) is of no kind that fits"]
    case ("builtin", _):
      return isBuiltin(value, type["json-type"]?.string) ? [] : ["\(path): \(value.text)"]
    default:
      return ["\(path): \(value.text) should be \(type["meta-type"]?.string ?? "nothing")"]
    }
  }

  private func objections(
    to members: [String: JSONValue], _ type: JSONValue, at path: String
  ) -> [String] {
    var known = list(type["members"])
    if let tag = type["tag"]?.string, let word = members[tag]?.string,
      let variant = list(type["variants"]).first(where: { $0["case"]?.string == word }),
      let variantType = variant["type"]?.string
    {
      known += list(types[variantType]?["members"])
    }
    let names = Set(known.compactMap { $0["name"]?.string })
    var found = members.keys.filter { !names.contains($0) }.map { "\(path).\($0) is unknown" }
    for member in known {
      guard let name = member["name"]?.string, let type = member["type"]?.string else { continue }
      if let value = members[name] {
        found += objections(to: value, type, at: "\(path).\(name)")
      } else if member["default"] == nil {
        found.append("\(path).\(name) is missing")
      }
    }
    return found
  }

  private func isBuiltin(_ value: JSONValue, _ type: String?) -> Bool {
    switch (type, value) {
    case ("value", _), ("string", .string), ("int", .int), ("boolean", .bool), ("null", .null),
      ("number", .int), ("number", .double):
      true
    default: false
    }
  }

  private func list(_ value: JSONValue?) -> [JSONValue] {
    guard case .array(let elements) = value else { return [] }
    return elements
  }
}
