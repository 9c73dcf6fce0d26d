// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

/// The disks that the fuzzed shell completes, some of which need quotes.
let fuzzedNames = ["vda", "vdb", "web 1", "web'2", "a;b", "#x", "é", "--domain"]

/// A shell with commands of all shapes, whose handlers do nothing, and without other programs.
func makeFuzzedShell() -> Shell<Void> {
  let names: Option<Void>.Completer = { _, _ in fuzzedNames }
  let command = Command<Void>(
    "c", summary: "a command with options of all kinds",
    options: [
      .string("domain", "a domain", required: true, completer: names),
      .string("name", "a name", positional: true, allowsEmpty: true, completer: names),
      .number("count", "a number"), .bool("json", "a flag"), .bool("xml", "another"),
      .alias("one", for: "name", value: "1"), .alias("n", for: "name"),
      .list("diskspec", "disks", completer: names),
    ],
    handler: { _, _ in true })
  let number = Command<Void>(
    "n", summary: "a command that needs a number",
    options: [.number("count", "a number", required: true)], handler: { _, _ in true })
  return Shell(
    programName: "fuzz",
    table: CommandTable(
      groups: [
        CommandGroup(name: "G", keyword: "g", commands: [command, number] + Builtins.commands())
      ]),
    context: (), output: Output(write: { _ in }, writeError: { _ in }))
}
