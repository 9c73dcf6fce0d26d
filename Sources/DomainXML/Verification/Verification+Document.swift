// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Verification {
  /// The version of the format this program writes, and the highest it reads.
  static let version = 1

  /// Reads a record.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError`, with the reason `newerVersion` where the document is of a later
  ///   version.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    guard root.isNamed("verification") else {
      throw .invalid("<\(root.name)> is not a <verification>")
    }
    var reader = try ElementReader(root)
    guard let version = Syntax.number(try reader.required(attribute: "version")), version > 0,
      let version = Int(exactly: version)
    else { throw .invalid("the record has no valid version") }
    guard version <= Self.version else {
      throw DomainXMLError(
        reason: .newerVersion(version),
        message: "the record is of version \(version), which needs a newer program")
    }
    self.init(point: try reader.required(text: "point").lowercased())
    guard Syntax.isUUID(point) else { throw .invalid("'point' is not a UUID") }
    for element in reader.all("check") {
      let check = try Check(element)
      guard self.check(check.level) == nil else {
        throw .invalid("the record has two checks of level '\(check.level.rawValue)'")
      }
      note(check)
    }
    try reader.finish()
  }

  /// Writes the record as a document.
  ///
  /// Parsing it gives the same record, and what parsing would refuse is not written.
  ///
  /// - Returns: the document, with a line end.
  /// - Throws: `DomainXMLError` where the record is not valid.
  package func xml() throws(DomainXMLError) -> String {
    let text = try XMLElement(
      "verification", ["version": String(Self.version)],
      [XMLElement("point", text: point)] + checks.map(\.xmlElement)
    ).document()
    _ = try Self(parsing: text)
    return text
  }
}

extension Verification.Check {
  /// Reads a `<check>`.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    let levels = Verification.Level.allCases.map(\.rawValue)
    guard let word = try reader.choice("level", of: levels),
      let level = Verification.Level(rawValue: word)
    else { throw reader.invalid("<check> has no 'level'") }
    guard let result = try reader.choice("result", of: ["passed", "failed"]) else {
      throw reader.invalid("<check> has no 'result'")
    }
    self.init(
      level: level,
      time: Int64(try Manifest.number(reader.required(attribute: "time"), "time")),
      isPassed: result == "passed", detail: try reader.text("detail"))
    for element in reader.all("problem") {
      var problem = try ElementReader(element)
      let volume = try problem.required(attribute: "volume")
      guard Syntax.isVolumeName(volume) else {
        throw .invalid("a check names a volume of an impossible name")
      }
      problems.append(.init(volume: volume, text: try problem.required(attribute: "text")))
      try problem.finish()
    }
    try reader.finish()
  }

  /// The check as an element.
  fileprivate var xmlElement: XMLElement {
    XMLElement(
      "check",
      [
        "level": level.rawValue, "time": String(time), "result": isPassed ? "passed" : "failed",
      ],
      (detail.map { [XMLElement("detail", text: $0)] } ?? [])
        + problems.map { XMLElement("problem", ["volume": $0.volume, "text": $0.text]) })
  }
}
