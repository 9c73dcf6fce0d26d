// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Libvirt
import QMP
import Vsh

/// The output of `backup-policy`.
struct PolicyListing: Presentable {
  /// Name of the domain.
  let domain: String
  /// UUID of the domain.
  let uuid: String
  /// Its policy; nil where it has none.
  let policy: Policy?

  /// Shows what was decided for a domain.
  init(domain: Domain, policy: Policy?) {
    self.domain = domain.name
    uuid = domain.uuid
    self.policy = policy
  }

  func show(on shell: Shell<Client>) {
    guard let policy else {
      shell.print("No policy for domain: \(domain)".printable)
      return
    }
    shell.printProperty("Domain:", domain)
    shell.printProperty("State:", policy.isOff ? "off" : "on")
    shell.printProperty("Pool:", policy.pool ?? "-")
    shell.printProperty("Keep:", rules(of: policy))
    shell.printProperty("Quiesce:", policy.isQuiesced ? "yes" : "no")
    shell.printProperty("Compress:", policy.compression ?? "-")
    shell.printProperty("Fleecing:", policy.scratchPool ?? "-")
    shell.printProperty(
      "Exclude:", policy.excludedDisks.isEmpty ? "-" : policy.excludedDisks.joined(separator: ","))
    shell.printProperty("Verify:", text(policy.verifyInterval))
    shell.printProperty("Boot:", text(policy.bootInterval))
    shell.print()
  }

  private func rules(of policy: Policy) -> String {
    guard policy.hasRules else { return "all" }
    let within = policy.rules.within.map { ["within \(DurationText.text($0))"] } ?? []
    let counts = RetentionRules.Rule.allCases.compactMap { rule in
      policy.rules.counts[rule].map { "\(rule.rawValue) \($0)" }
    }
    return (within + counts).joined(separator: ", ")
  }

  private func text(_ interval: Int64?) -> String {
    interval.map { "every \(DurationText.text($0))" } ?? "-"
  }

  var json: JSONValue {
    .object([
      "domain": .string(domain), "domain_uuid": .string(uuid),
      "policy": policy.map(\.json) ?? .null,
    ])
  }
}

extension Policy {
  /// The policy as an object, with times in seconds.
  fileprivate var json: JSONValue {
    .object([
      "off": .bool(isOff), "pool": pool.map(JSONValue.string) ?? .null,
      "keep": .object(
        Dictionary(
          uniqueKeysWithValues: rules.counts.map { ($0.key.rawValue, .int(Int64($0.value))) })),
      "keep_within": rules.within.map(JSONValue.int) ?? .null, "quiesce": .bool(isQuiesced),
      "compress": compression.map(JSONValue.string) ?? .null,
      "fleecing": scratchPool.map(JSONValue.string) ?? .null,
      "exclude": .array(excludedDisks.map(JSONValue.string)),
      "verify": verifyInterval.map(JSONValue.int) ?? .null,
      "boot": bootInterval.map(JSONValue.int) ?? .null,
    ])
  }
}
