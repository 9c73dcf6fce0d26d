// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import Libvirt
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-policy`: what is to be done for a domain every night.
  static var backupPolicy: Command {
    Command(
      "backup-policy", summary: "Show or set what backup-run does for a domain",
      description: """
        Show or set the policy of a domain, by which backup-run backs it up, removes backups and \
        verifies them. It is kept in the <metadata> of the domain's definition. Options set what they \
        name and leave the rest of the policy as it is; 0, or an empty text, takes a setting back. \
        Without options the policy is shown.
        """,
      options: [
        .domain(),
        .string(
          "pool", "storage pool of the backups: name, uuid or absolute directory",
          allowsEmpty: true,
          completer: Completers.pools),
      ] + RetentionRules.countOptions + [
        RetentionRules.withinOption,
        .bool("quiesce", "freeze the guest's file systems around the start"),
        .bool("no-quiesce", "do not freeze them"),
        .string(
          "compress", "compress the data: zstd or zlib", allowsEmpty: true,
          completer: { _, _ in Qcow2Compression.allCases.map(\.rawValue).sorted() }),
        .string(
          "fleecing", "storage pool for what the guest overwrites meanwhile", allowsEmpty: true,
          completer: Completers.pools),
        .duration("verify", "make checksums, and compare the data with them so often (7d)"),
        .duration("boot", "start a throw-away domain on the newest backup so often (30d)"),
        .bool("off", "leave the domain out, and keep the rest of the policy"),
        .bool("on", "do not leave it out any more"),
        .bool("remove", "remove the policy"),
        .json,
        .list("exclude", "disk that is left out", positional: false, completer: Completers.disks),
      ],
      rules: [.excludes("quiesce", "no-quiesce"), .excludes("off", "on")] + [removeAlone]
    ) { shell, arguments in
      let domain = try shell.context.domain(try arguments.required("domain"))
      guard !arguments.flag("remove") else {
        try domain.setPolicy(nil)
        try tell(nil, of: domain, "removed", on: shell, arguments)
        return true
      }
      let known: Policy?
      do {
        known = try domain.policy()
      } catch let error as DomainXMLError {
        throw ShellError(lines: [
          "the policy of domain '\(domain.name)' cannot be read: \(error)",
          "backup-policy --remove takes it away",
        ])
      }
      guard arguments.values.contains(where: { !["domain", "json"].contains($0.name) }) else {
        try shell.present(PolicyListing(domain: domain, policy: known), arguments)
        return true
      }
      var policy = known ?? Policy()
      try policy.apply(arguments, to: domain, Workplace(shell).pools)
      try domain.setPolicy(policy)
      try tell(policy, of: domain, known == nil ? "set" : "updated", on: shell, arguments)
      return true
    }
  }

  /// Nothing can be set of a policy that is removed.
  private static var removeAlone: OptionRule {
    var rule = OptionRule.excludes("remove", "pool")
    rule.others +=
      RetentionRules.Rule.allCases.map(\.option) + [
        "keep-within", "quiesce", "no-quiesce", "compress", "fleecing", "verify", "boot", "off",
        "on", "exclude",
      ]
    return rule
  }

  private static func tell(
    _ policy: Policy?, of domain: Domain, _ what: String, on shell: Shell<Client>,
    _ arguments: Arguments
  ) throws {
    if arguments.flag("json") {
      try shell.present(PolicyListing(domain: domain, policy: policy), arguments)
    } else {
      shell.printExtra("Policy of domain '\(domain.name)' \(what)", terminator: "")
    }
  }
}

extension Policy {
  /// Sets what the options of `backup-policy` name.
  ///
  /// - Parameters:
  ///   - arguments: The options.
  ///   - domain: The domain, which must have the disks that are left out.
  ///   - pools: Where pools must be.
  /// - Throws: `ShellError` for a value that makes no sense, or names nothing.
  fileprivate mutating func apply(
    _ arguments: Arguments, to domain: Domain, _ pools: Pools
  ) throws {
    if let name = try arguments.string("pool") { pool = try Policy.checked(name, pools) }
    if let name = try arguments.string("fleecing") { scratchPool = try Policy.checked(name, pools) }
    for rule in RetentionRules.Rule.allCases {
      guard let count = try arguments.count(for: rule, atLeast: 0) else { continue }
      rules.counts[rule] = count == 0 ? nil : count
    }
    try Policy.set(&rules.within, by: "keep-within", arguments)
    try Policy.set(&verifyInterval, by: "verify", arguments)
    try Policy.set(&bootInterval, by: "boot", arguments)
    if arguments.flag("quiesce") { isQuiesced = true }
    if arguments.flag("no-quiesce") { isQuiesced = false }
    if let word = try arguments.string("compress") {
      guard word.isEmpty || Qcow2Compression(rawValue: word) != nil else {
        throw ShellError("compression '\(word)' is not one of zstd, zlib")
      }
      compression = word.isEmpty ? nil : word
    }
    if arguments.flag("off") { isOff = true }
    if arguments.flag("on") { isOff = false }
    if arguments.flag("exclude") {
      excludedDisks = try Policy.disks(arguments.strings("exclude"), of: domain)
    }
  }

  /// Sets a time that an option names, or takes it back.
  private static func set(
    _ seconds: inout Int64?, by option: String, _ arguments: Arguments
  ) throws {
    guard let text = arguments.raw(option) else { return }
    seconds = text.isEmpty || text == "0" ? nil : try arguments.duration(option)
  }

  /// The name of a pool that is there; nil for the empty name.
  private static func checked(_ name: String, _ pools: Pools) throws -> String? {
    if name.isEmpty { return nil }
    // That of a directory is made when it is needed.
    if !name.hasPrefix("/") { _ = try pools.repository(name) }
    return name
  }

  /// Targets that the domain has in the definition that runs or in the one that stays.
  private static func disks(_ names: [String], of domain: Domain) throws -> [String] {
    let names = names.filter { !$0.isEmpty }
    let texts =
      try [domain.xmlDescription()]
      + (domain.isPersistent ? [domain.xmlDescription(flags: .inactive)] : [])
    let targets = Set(try texts.flatMap { try DomainDefinition(parsing: $0).disks.map(\.target) })
    var seen: Set<String> = []
    for name in names {
      guard targets.contains(name) else {
        throw ShellError("unsupported configuration: no disk named '\(name)'")
      }
      guard seen.insert(name).inserted else { throw BackupError.specifiedTwice(name) }
    }
    return names
  }
}
