// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP
import Vsh

/// The form in which a command prints what it found.
enum OutputFormat {
  /// Lines and tables for people.
  case text
  /// A name a line (`--name`).
  case names
  /// A tree of names (`--tree`).
  case tree
  /// One JSON document (`--json`).
  case json
  /// The XML document that it is made from (`--xml`).
  case xml

  /// Reads the form from the options, which exclude each other by the command's rules.
  init(_ arguments: Arguments) {
    let forms: [(option: String, form: OutputFormat)] = [
      ("json", .json), ("xml", .xml), ("tree", .tree), ("name", .names),
    ]
    self = forms.first { arguments.flag($0.option) }?.form ?? .text
  }
}

/// The result of a command, in the forms in which it can be printed.
///
/// A type has those forms for which its command has an option, and the text.
protocol Presentable {
  /// Shows it to people.
  func show(on shell: Shell<Client>)
  /// The JSON document.
  var json: JSONValue { get }
  /// The names in it; nil without such a form.
  var names: [String]? { get }
  /// The names as a tree; nil without such a form.
  var tree: Tree? { get }
  /// Writes the XML document.
  ///
  /// - Returns: The document; nil without such a form.
  /// - Throws: `DomainXMLError` when it cannot be written.
  func xml() throws -> String?
}

extension Presentable {
  var names: [String]? { nil }
  var tree: Tree? { nil }
  func xml() throws -> String? { nil }
}

extension Shell<Client> {
  /// Prints what a command found in the form that its options ask for.
  ///
  /// - Throws: What the form throws that is asked for.
  func present(_ result: some Presentable, _ arguments: Arguments) throws {
    switch OutputFormat(arguments) {
    case .text: result.show(on: self)
    case .names: for name in result.names ?? [] { print(name.printable) }
    case .tree: print(result.tree?.text.printable ?? "", terminator: "")
    case .json: print(result.json.text)
    case .xml: print(try result.xml() ?? "", terminator: "")
    }
  }
}
