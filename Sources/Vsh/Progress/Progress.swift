// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Shows how far the work is, on standard error.
package struct Progress {
  /// How it is shown.
  package enum Style: Sendable, Equatable {
    /// Not at all.
    case none
    /// As virsh does: one share for everything, whenever it changes.
    case percent(label: String)
    /// A bar for each disk, on a terminal.
    case bars
  }

  private let style: Style
  private let output: Output
  private let width: () -> Int
  private var drawnLines = 0
  private var drawnText: String?
  private var drawnAt: Double?
  private var samples: [(time: Double, done: [UInt64])] = []

  /// Seconds that lie between two drawings at least.
  private static let interval = 0.1
  /// Seconds of the past that the rate is measured over.
  private static let window = 5.0

  /// Makes a display that shows nothing yet.
  ///
  /// - Parameters:
  ///   - style: How it is shown.
  ///   - output: Where it is drawn.
  ///   - width: Asks for the columns of the terminal, which may change.
  package init(_ style: Style, output: Output, width: @escaping () -> Int = { 80 }) {
    self.style = style
    self.output = output
    self.width = width
  }

  /// Shows how far the work is, unless that was shown just now.
  ///
  /// - Parameters:
  ///   - disks: The disks, always the same ones.
  ///   - time: Seconds since any instant.
  package mutating func update(_ disks: [DiskProgress], at time: Double) {
    remember(disks, time)
    if let drawnAt, time - drawnAt < Self.interval {
      return
    }
    draw(disks, isFinished: false, time)
  }

  /// Shows the end of work that went well.
  ///
  /// Bars leave the cursor at the beginning of a line, the share leaves it where it is.
  package mutating func finish(_ disks: [DiskProgress], at time: Double) {
    remember(disks, time)
    draw(disks, isFinished: true, time)
  }

  private mutating func draw(_ disks: [DiskProgress], isFinished: Bool, _ time: Double) {
    switch style {
    case .none:
      return
    case .percent(let label):
      put(ProgressText.percent(label: label, disks, isFinished: isFinished))
    case .bars:
      let columns = width()
      let nameWidth = disks.map(\.name.count).max() ?? 0
      let lines = disks.enumerated().map { index, disk in
        ProgressText.bar(disk, nameWidth: nameWidth, rate: rate(index), width: columns - 1)
      }
      put(lines)
    }
    drawnAt = time
  }

  private mutating func put(_ text: String) {
    if text != drawnText {
      output.flush()
      output.writeError(text)
    }
    drawnText = text
  }

  private mutating func put(_ lines: [String]) {
    let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : ""
    output.flush()
    output.writeError(up + lines.map { "\r\($0)\u{1B}[K\n" }.joined())
    drawnLines = lines.count
  }

  private mutating func remember(_ disks: [DiskProgress], _ time: Double) {
    samples.append((time, disks.map(\.done)))
    while samples.count > 2, time - samples[1].time > Self.window {
      samples.removeFirst()
    }
  }

  /// Bytes per second of a disk lately; nil while there is nothing to measure.
  private func rate(_ index: Int) -> Double? {
    guard let first = samples.first, let last = samples.last, last.time > first.time,
      first.done.indices.contains(index), last.done[index] >= first.done[index]
    else { return nil }
    return Double(last.done[index] - first.done[index]) / (last.time - first.time)
  }
}
