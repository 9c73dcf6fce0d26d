// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The user and group a file belongs to.
package struct FileOwner: Sendable, Equatable {
  /// The user's number.
  package var owner: UInt32
  /// The group's number.
  package var group: UInt32

  /// Makes the description of an owner.
  package init(owner: UInt32, group: UInt32) {
    self.owner = owner
    self.group = group
  }

  /// Reads a `dac` label of numbers, `+64055:+64055`; nil for names and anything else.
  package init?(label: String) {
    let parts = label.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let numbers = parts.compactMap { Syntax.number(String($0.first == "+" ? $0.dropFirst() : $0)) }
      .compactMap { UInt32(exactly: $0) }
    guard numbers.count == 2 else { return nil }
    self.init(owner: numbers[0], group: numbers[1])
  }
}

extension DomainDefinition {
  /// Whom the images of the running domain belong to, by its `dac` label.
  package var imageOwner: FileOwner? {
    securityLabels.first { $0.model == "dac" }
      .flatMap { $0.imageLabel ?? $0.label }.flatMap(FileOwner.init(label:))
  }
}
