// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Glibc
import Vsh

/// What the engine says, on the user's terminal.
final class Console: Observer {
  private let shell: Shell<Client>
  private var progress: Progress
  private var latest: [Vsh.DiskProgress] = []
  /// Whether a share is shown behind which nothing may follow in the same line.
  private var hasOpenLine = false
  private let style: Progress.Style
  private let usesErrorOutput: Bool

  /// Speaks for one command.
  ///
  /// - Parameters:
  ///   - shell: The shell.
  ///   - label: What the progress is of (`Backup`).
  ///   - isVerbose: `--verbose`, which shows progress also where nobody sits at a terminal.
  ///   - usesErrorOutput: Whether notices go to standard error: standard output has a document or
  ///     a result, and nothing else.
  init(
    _ shell: Shell<Client>, label: String, isVerbose: Bool = false, usesErrorOutput: Bool = false
  ) {
    self.shell = shell
    self.usesErrorOutput = usesErrorOutput
    let isTerminal = Terminal.isErrorTerminal
    let isShown = !shell.isQuiet && (isVerbose || isTerminal)
    style = !isShown ? .none : isTerminal ? .bars : .percent(label: label)
    progress = Progress(style, output: shell.output, size: { Terminal.errorSize })
  }

  deinit { endLine() }

  var isInterrupted: Bool { shell.context.interrupt.isRequested }

  func notice(_ text: String) {
    usesErrorOutput ? shell.printNotice(text) : shell.printExtra(text)
    // What follows may take hours.
    if !usesErrorOutput { shell.output.flush() }
  }

  func progress(_ disks: [BackupCore.DiskProgress]) {
    latest = disks.map { .init(name: $0.disk, done: $0.done, total: $0.total) }
    progress.update(latest, at: Console.now)
    noteLine()
  }

  /// Ends the progress of work that is complete.
  func complete() {
    guard !latest.isEmpty else { return }
    progress.finish(latest, at: Console.now)
    noteLine()
    begin()
  }

  /// Forgets the progress of work that has ended: what is shown next is of other work.
  func begin() {
    endLine()
    latest = []
    progress = Progress(style, output: shell.output, size: { Terminal.errorSize })
  }

  private func noteLine() {
    if case .percent = style { hasOpenLine = true }
  }

  private func endLine() {
    if hasOpenLine { shell.output.writeError("\n") }
    hasOpenLine = false
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
