// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension Virsh {
  /// How long virsh may take for the candidates of one word.
  private static let patience = Duration.seconds(8)

  /// What virsh offers for the last of some words, which are as they are meant, without quotes.
  ///
  /// virsh joins the words and takes them apart again, so they are quoted for it. It finds nothing
  /// for a last word that needs quotes: it is asked for the beginning that needs none.
  func completions(_ shell: Shell<Client>, _ words: [String]) -> [String] {
    guard let last = words.last else { return [] }
    let plain = last.prefix { Quoting.isPlain($0.utf8) }
    let asked = words.dropLast().map(Quoting.shell) + [String(plain)]
    return capture(shell, ["-q", "complete", "--"] + asked, within: Virsh.patience).output
      .split(separator: "\n").map { String($0).replacing("\\ ", with: " ") }
      .filter { $0.hasPrefix(last) }
  }
}
