// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

/// A piece of code that reads what comes from outside, and what must be true of it for any input.
///
/// The fuzzer looks for inputs that break it; the tests feed it the inputs that are kept in
/// `Tests/Fuzz/Corpus`.
package struct FuzzTarget: Sendable {
  /// The name, which is that of its corpus too.
  package var name: String
  /// Feeds it an input; throws where a property does not hold.
  package var check: @Sendable ([UInt8]) throws -> Void

  /// All targets: a new one is a file beside this one and its name here.
  package static let all: [FuzzTarget] = [
    .backupDefinition, .commandLine, .completion, .diskspec, .domain, .globalOptions, .manifest,
    .qcow2, .qmp, .rendering,
  ]
}

/// A property that does not hold.
package struct FuzzFailure: Error, CustomStringConvertible {
  /// Which, and for what.
  package var description: String
}

/// Says that a property must hold.
///
/// - Parameters:
///   - condition: Whether it does.
///   - property: Which it is, and for what.
/// - Throws: ``FuzzFailure`` when it does not.
func expect(_ condition: Bool, _ property: @autoclosure () -> String) throws(FuzzFailure) {
  if !condition {
    throw FuzzFailure(description: property())
  }
}

/// The input of a target whose code reads text.
func text(_ bytes: some Sequence<UInt8>) -> String {
  String(decoding: Array(bytes), as: UTF8.self)
}

/// The input of a target whose code reads several words: they are divided by NUL, of which the
/// system lets none into an argument.
func words(_ bytes: [UInt8]) -> [String] {
  bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(rawBytes: $0) }
}
