// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Policy {
  /// Writes the policy, for `virDomainSetMetadata`.
  ///
  /// The same policy gives the same text, and parsing it gives the same policy. What parsing would refuse
  /// is not written.
  ///
  /// - Returns: The element, without the namespace: libvirt adds that.
  /// - Throws: `DomainXMLError` where the policy cannot be meant.
  package func xml() throws(DomainXMLError) -> String {
    try validate()
    var elements: [XMLElement] = []
    if hasRules {
      var keep = XMLElement("keep")
      for rule in RetentionRules.Rule.allCases {
        keep[rule.rawValue] = rules.counts[rule].map { "\($0)" }
      }
      keep["within"] = rules.within.map { "\($0)" }
      elements.append(keep)
    }
    elements += excludedDisks.map { XMLElement("exclude", ["disk": $0]) }
    if let verifyInterval { elements.append(XMLElement("verify", ["every": "\(verifyInterval)"])) }
    if let bootInterval { elements.append(XMLElement("boot", ["every": "\(bootInterval)"])) }
    return try XMLElement(
      "policy",
      [
        "off": isOff ? "yes" : nil, "pool": pool, "quiesce": isQuiesced ? "yes" : nil,
        "compress": compression, "fleecing": scratchPool,
      ], elements
    ).document()
  }
}
