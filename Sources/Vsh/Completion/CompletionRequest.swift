// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a completer is asked for.
package struct CompletionRequest: Sendable {
  /// The options that the command has been given so far.
  package var arguments: Arguments
  /// The option whose value is wanted.
  package var option: String
  /// The beginning of the value, without quotes; candidates that begin otherwise are dropped.
  package var word: String

  /// Makes a request.
  package init(arguments: Arguments, option: String, word: String) {
    self.arguments = arguments
    self.option = option
    self.word = word
  }
}
