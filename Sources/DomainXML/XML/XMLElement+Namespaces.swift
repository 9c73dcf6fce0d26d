// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension XMLElement {
  /// The same element, fit to stand alone: with those declarations of its ancestors that names in
  /// it need.
  ///
  /// - Parameter ancestors: the declarations in force around it, outermost first.
  /// - Returns: the element with those it uses.
  func declaring(_ ancestors: [NamespaceDeclaration]) -> XMLElement {
    var result = self
    var seen = Set(declarations.map(\.prefix))
    for declaration in ancestors.reversed() where seen.insert(declaration.prefix).inserted {
      if uses(declaration.prefix) { result.declarations.append(declaration) }
    }
    return result
  }

  /// Whether a name here or below has a prefix that is not declared in between.
  private func uses(_ prefix: String?) -> Bool {
    let names = [name] + attributes.map(\.name).filter { $0.contains(":") }
    return names.contains { Self.prefix(of: $0) == prefix }
      || elements.contains { element in
        !element.declarations.contains { $0.prefix == prefix } && element.uses(prefix)
      }
  }

  private static func prefix(of name: String) -> String? {
    name.firstIndex(of: ":").map { String(name[..<$0]) }
  }
}
