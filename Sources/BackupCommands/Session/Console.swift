// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import Glibc
import Vsh

/// What the engine says, on the user's terminal.
final class Console: Observer {
  private let shell: Shell<Client>
  private var progress: Progress
  private var latest: [Vsh.DiskProgress] = []
  private let isShown: Bool
  private let isJSON: Bool

  /// Speaks for one command.
  ///
  /// - Parameters:
  ///   - shell: The shell.
  ///   - label: What the progress is of (`Backup`).
  ///   - isVerbose: `--verbose`, which shows progress also where nobody sits at a terminal.
  ///   - isJSON: `--json`: standard output is a document, notices go to standard error.
  init(
    _ shell: Shell<Client>, label: String, isVerbose: Bool = false, isJSON: Bool = false
  ) {
    self.shell = shell
    self.isJSON = isJSON
    let isTerminal = Terminal.isErrorTerminal
    isShown = !shell.isQuiet && (isVerbose || isTerminal)
    let style: Progress.Style =
      !isShown ? .none : isTerminal ? .bars : .percent(label: label)
    progress = Progress(style, output: shell.output, width: { Terminal.errorWidth })
  }

  var isInterrupted: Bool { shell.context.interrupt.isRequested }

  func notice(_ text: String) {
    guard isJSON else { return shell.printExtra(text) }
    if !shell.isQuiet { shell.output.writeError("\(text)\n") }
  }

  func progress(_ disks: [Backup.DiskProgress]) {
    latest = disks.map { .init(name: $0.disk, done: $0.done, total: $0.total) }
    progress.update(latest, at: Console.now)
  }

  /// Ends the progress of work that is complete.
  func complete() {
    guard !latest.isEmpty else { return }
    progress.finish(latest, at: Console.now)
    if isShown, !Terminal.isErrorTerminal { shell.output.writeError("\n") }
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
