// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension DomainXMLError: CustomStringConvertible {
  /// The text for people, with the line where one is known.
  package var description: String {
    if let excerpt {
      return "\(excerpt.document):\(line ?? 1): \(message)\n\(excerpt.text)"
    }
    if reason == .unsuitable { return message }
    return line.map { "XML error: line \($0): \(message)" } ?? "XML error: \(message)"
  }
}
