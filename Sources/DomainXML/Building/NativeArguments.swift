// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials

/// The command line by which libvirt would start a QEMU (`virConnectDomainXMLToNative`): it tells
/// what a definition leaves to libvirt.
package struct NativeArguments: Sendable, Equatable {
  /// A node of `-blockdev`, as far as it is a file.
  private struct Node: Decodable {
    var filename: String?
    var name: String?

    enum CodingKeys: String, CodingKey {
      case filename
      case name = "node-name"
    }
  }

  /// Absolute path of the file with the NVRAM; nil where there is none.
  package var nvram: String?

  /// Reads a command line.
  ///
  /// - Parameter text: The command line, quoted for a shell.
  package init(parsing text: String) {
    // In JSON no quote of the shell's can be but around it, or escaped as '\'' within.
    for part in text.split(separator: "-blockdev '").dropFirst() {
      let word = part.replacing("'\\''", with: "\u{0}").prefix { $0 != "'" }
        .replacing("\u{0}", with: "'")
      guard let node = try? JSONDecoder().decode(Node.self, from: Data(word.utf8)),
        node.name?.hasPrefix("libvirt-pflash1") == true, let path = node.filename,
        Syntax.isAbsolutePath(path)
      else { continue }
      nvram = path
      return
    }
  }
}
