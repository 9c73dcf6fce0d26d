// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Policy {
  /// The longest time that a policy can tell, in seconds: what 32 bits hold, 68 years.
  package static let longestTime = Int64(Int32.max)
  /// The largest number of backups that a rule can keep.
  package static let largestCount = Int(Int32.max)

  /// Reads a policy.
  ///
  /// An unknown element or attribute is refused: a policy of a later version may say what must not be left undone.
  ///
  /// - Parameter text: The element, in our namespace as in a definition or in none as
  ///   `virDomainGetMetadata` gives it.
  /// - Throws: `DomainXMLError` where it is no policy, or says what this version does not know.
  package init(parsing text: String) throws(DomainXMLError) {
    try self.init(try XMLElement(parsing: text))
  }

  /// Reads the policy in a domain's definition.
  ///
  /// - Parameter text: The definition.
  /// - Returns: The policy; nil where the definition has none.
  /// - Throws: `DomainXMLError` where the text is no document, or the policy cannot be read.
  package static func policy(inDefinition text: String) throws(DomainXMLError) -> Policy? {
    let root = try XMLElement(parsing: text)
    for element in root.elements("metadata").flatMap(\.elements) where isPolicy(element) {
      return try Policy(element)
    }
    return nil
  }

  /// Tells that an element of `<metadata>` is a policy of ours.
  static func isPolicy(_ element: XMLElement) -> Bool {
    element.namespace == namespace && element.localName == "policy"
  }

  private init(_ element: XMLElement) throws(DomainXMLError) {
    let root = element.withoutNamespace(Self.namespace)
    guard root.isNamed("policy") else { throw .invalid("<\(root.name)> is not a <policy>") }
    var reader = try ElementReader(root)
    self.init(
      isOff: try reader.flag("off"), pool: reader.attribute("pool"),
      isQuiesced: try reader.flag("quiesce"), compression: reader.attribute("compress"),
      scratchPool: reader.attribute("fleecing"))
    if let keep = try reader.element("keep") { try readRules(keep) }
    for disk in reader.all("exclude") {
      var reader = try ElementReader(disk)
      excludedDisks.append(try reader.required(attribute: "disk"))
      try reader.finish()
    }
    verifyInterval = try Self.interval(reader.element("verify"))
    bootInterval = try Self.interval(reader.element("boot"))
    try reader.finish()
    try validate()
  }

  private mutating func readRules(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    for rule in RetentionRules.Rule.allCases {
      guard let text = reader.attribute(rule.rawValue) else { continue }
      guard let number = Syntax.number(text), let count = Int(exactly: number) else {
        throw .invalid("'\(rule.rawValue)' of <keep> is not a number in range")
      }
      rules.counts[rule] = count
    }
    if let text = reader.attribute("within") { rules.within = try Self.seconds(text, "within") }
    try reader.finish()
  }

  private static func interval(_ element: XMLElement?) throws(DomainXMLError) -> Int64? {
    guard let element else { return nil }
    var reader = try ElementReader(element)
    let interval = try seconds(reader.required(attribute: "every"), "every")
    try reader.finish()
    return interval
  }

  private static func seconds(_ text: String, _ what: String) throws(DomainXMLError) -> Int64 {
    guard let number = Syntax.number(text), let seconds = Int64(exactly: number) else {
      throw .invalid("'\(what)' is not a number in range")
    }
    return seconds
  }

  /// Refuses what cannot be meant, whether it was read or is to be written.
  ///
  /// - Throws: `DomainXMLError` that names what is wrong.
  func validate() throws(DomainXMLError) {
    for (what, text) in [("pool", pool), ("fleecing", scratchPool)] {
      guard text.map({ Syntax.isPlainText($0, atMost: 4095) }) ?? true else {
        throw .invalid("'\(what)' of <policy> cannot name a pool")
      }
    }
    guard compression.map(Syntax.isWord) ?? true else {
      throw .invalid("'compress' of <policy> is not a word")
    }
    guard excludedDisks.allSatisfy(Syntax.isBackupName) else {
      throw .invalid("'disk' of <exclude> cannot name a disk")
    }
    guard Set(excludedDisks).count == excludedDisks.count else {
      throw .invalid("<policy> excludes a disk twice")
    }
    guard rules.counts.values.allSatisfy((1...Self.largestCount).contains) else {
      throw .invalid("a number of <keep> is out of range")
    }
    guard
      [rules.within, verifyInterval, bootInterval].compactMap(\.self).allSatisfy(
        (1...Self.longestTime).contains)
    else { throw .invalid("a time of <policy> is out of range") }
  }
}

extension XMLElement {
  /// The same element with all names of a namespace in none.
  fileprivate func withoutNamespace(_ uri: String) -> XMLElement {
    var result = self
    result.forEachDescendant { element in
      if element.namespace == uri {
        element.name = element.localName
        element.namespace = nil
      }
      element.declarations.removeAll { $0.uri == uri }
    }
    return result
  }
}
