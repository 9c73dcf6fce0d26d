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
  private let size: () -> Terminal.Size
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
  ///   - size: Asks for the size of the terminal, which may change.
  package init(
    _ style: Style, output: Output, size: @escaping () -> Terminal.Size = { .init() }
  ) {
    self.style = style
    self.output = output
    self.size = size
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
      put(bars(disks))
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

  /// A line for each disk.
  ///
  /// On a terminal with fewer lines some are together in the last one, those that are done first.
  private func bars(_ disks: [DiskProgress]) -> [String] {
    let size = size()
    // The cursor stands in a line of its own.
    let room = max(1, size.rows - 1)
    var shown = disks.enumerated().map { (disk: $1, rate: rate($0)) }
    if shown.count > room {
      let isOpen = shown.filter { $0.disk.done < $0.disk.total }
      let isDone = shown.filter { $0.disk.done >= $0.disk.total }
      let rest = (isOpen + isDone).dropFirst(room - 1)
      shown = (isOpen + isDone).dropLast(rest.count)
      let others = DiskProgress(
        name: "\(rest.count) more", done: rest.reduce(0) { $0 &+ $1.disk.done },
        total: rest.reduce(0) { $0 &+ $1.disk.total })
      let rates = rest.compactMap(\.rate)
      shown.append((others, rates.isEmpty ? nil : rates.reduce(0, +)))
    }
    let nameWidth = shown.map(\.disk.name.count).max() ?? 0
    return shown.map { disk, rate in
      ProgressText.bar(disk, nameWidth: nameWidth, rate: rate, width: size.columns - 1)
    }
  }

  private mutating func put(_ lines: [String]) {
    let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : ""
    output.flush()
    // What the terminal echoed meanwhile, and lines there are no more, go.
    output.writeError(up + lines.map { "\r\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J")
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
