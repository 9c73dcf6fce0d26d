// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

extension TestDomain {
  /// The persistent definition with all it keeps secret.
  func inactiveDefinition() throws -> String { try libvirt.inactiveDefinition(of: name) }

  /// Defines the domain again with other texts in place of some.
  func redefine(replacing changes: [(old: String, new: String)]) throws {
    var text = try inactiveDefinition()
    for (old, new) in changes {
      guard text.contains(old) else { throw CommandError("no \(old) in \(text)") }
      text = text.replacing(old, with: new)
    }
    let file = "\(directory)/changed.xml"
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    try libvirt.virsh("define", file)
  }

  /// Ends the domain, forgets it and deletes its images.
  func vanish() throws {
    if try state() != "shut off" { try destroy() }
    try undefine()
    for disk in allDisks { try FileManager.default.removeItem(atPath: try path(disk.target)) }
  }
}

extension PrivateLibvirt {
  /// The persistent definition of a domain with all it keeps secret.
  func inactiveDefinition(of name: String) throws -> String {
    try virsh("dumpxml", name, "--inactive", "--security-info")
  }

  /// The UUID of a domain.
  func uuid(of name: String) throws -> String {
    try virsh("domuuid", name).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Ends and forgets a domain, if there is one.
  func discard(_ name: String) {
    _ = try? virsh("destroy", name)
    _ = try? virsh("undefine", name)
  }
}
