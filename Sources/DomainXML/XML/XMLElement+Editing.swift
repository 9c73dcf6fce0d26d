// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension XMLElement {
  /// Changes each of its elements for which `body` is called, in order.
  mutating func forEachElement(_ body: (inout XMLElement) -> Void) {
    for index in children.indices {
      guard case .element(var element) = children[index] else { continue }
      body(&element)
      children[index] = .element(element)
    }
  }

  /// Changes each of its elements of this name and no namespace.
  mutating func forEachElement(_ name: String, _ body: (inout XMLElement) -> Void) {
    forEachElement { if $0.isNamed(name) { body(&$0) } }
  }

  /// Changes itself and every element below, the inner ones first.
  mutating func forEachDescendant(_ body: (inout XMLElement) -> Void) {
    forEachElement { $0.forEachDescendant(body) }
    body(&self)
  }

  /// Removes elements, each with the white space that stands before it.
  mutating func removeElements(where isUnwanted: (XMLElement) -> Bool) {
    var kept: [Child] = []
    for child in children {
      if case .element(let element) = child, isUnwanted(element) {
        if case .text(let text)? = kept.last, text.allSatisfy(\.isWhitespace) { kept.removeLast() }
      } else {
        kept.append(child)
      }
    }
    children = kept
  }

  /// Removes its elements of a name and no namespace.
  mutating func removeElements(_ name: String) {
    removeElements { $0.isNamed(name) }
  }

  /// Inserts an element before all others, or behind the last one of a name, laid out as they are.
  mutating func insert(_ element: XMLElement, after predecessor: String? = nil) {
    let elementIndices = children.indices.filter {
      if case .element = children[$0] { true } else { false }
    }
    var position = elementIndices.first ?? 0
    var space: [Child] = []
    if let first = elementIndices.first, first > 0, case .text = children[first - 1] {
      space = [children[first - 1]]
      position = first - 1
    }
    let last = elementIndices.last {
      if case .element(let other) = children[$0], let predecessor {
        other.isNamed(predecessor)
      } else {
        false
      }
    }
    if let last { position = last + 1 }
    children.insert(contentsOf: space + [.element(element)], at: position)
  }
}
