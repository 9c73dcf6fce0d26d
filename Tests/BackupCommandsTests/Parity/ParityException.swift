// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A difference from virsh 9.0.0 that is wanted.
///
/// There are no others, and at most ten of these. The manual page tells of each, with its ``phrase``.
enum ParityException: String, CaseIterable {
  /// In standard output the text would spoil the result for programs; newer versions write it to
  /// standard error too. `-d 4` is the default, which virsh takes for no option: there the
  /// variable counts nevertheless.
  case debugText
  /// virsh closes its standard input, and with it the session.
  case completeInSession
  /// virsh finds nothing for a last word with an open quote, a backslash or a blank, and nothing at
  /// all without words; newer versions list the commands then.
  case completeMore
  /// Accepted by newer versions.
  case helpValue
  /// Accepted by newer versions.
  case changeDirectory
  /// Accepted by newer versions: `echo --prefix` and `--no-pkttyagent`.
  case newOptions
  /// virsh complains twice, and so would each virsh that is started.
  case debugVariable
  /// Every virsh that is started has a connection of its own.
  case ownConnection
  /// A name may hold what moves the cursor or worse; virsh is careful in its tables only.
  case controlCharacters

  /// What the manual page says of it.
  var phrase: String {
    switch self {
    case .debugText: "Debug text goes to standard error"
    case .completeInSession: "does not end a session"
    case .completeMore: "completes also a last word with an open quote"
    case .helpValue: "may have a value, which is ignored"
    case .changeDirectory: "works outside of a session"
    case .newOptions: "are accepted"
    case .debugVariable: "is complained of once"
    case .ownConnection: "make a connection of their own"
    case .controlCharacters: "In messages control characters"
    }
  }
}
