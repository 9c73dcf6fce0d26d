// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Progress as text.
package enum ProgressText {
  /// The share that is done, over the line before: `\rBackup: [ 45 %]`.
  ///
  /// Work that is not finished is never shown with more than 99 %.
  ///
  /// - Parameters:
  ///   - label: What is being done.
  ///   - disks: The disks, which are counted together.
  ///   - isFinished: Whether the work has ended well.
  /// - Returns: The text, without a newline.
  package static func percent(
    label: String, _ disks: [DiskProgress], isFinished: Bool
  ) -> String {
    let done = disks.reduce(0.0) { $0 + Double(min($1.done, $1.total)) }
    let total = disks.reduce(0.0) { $0 + Double($1.total) }
    let share = total > 0 ? min(99, Int(done * 100 / total)) : 0
    return "\r\(label): [\(right(isFinished ? 100 : share, 3)) %]"
  }

  /// A line for one disk: name, bar, share, bytes, rate and time left.
  ///
  /// What does not fit is left out: the time and the rate first, then the bytes, then the bar.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - nameWidth: Columns for the name, so that the bars of several disks begin together.
  ///   - rate: Bytes per second; nil while unknown.
  ///   - width: Columns for the line.
  /// - Returns: The line.
  package static func bar(
    _ disk: DiskProgress, nameWidth: Int, rate: Double?, width: Int
  ) -> String {
    let name = disk.name + String(repeating: " ", count: max(0, nameWidth - disk.name.count))
    let share = "\(right(Int(disk.fraction * 100), 3)) %"
    let bytes = "  \(left(disk.done)) / \(left(disk.total))"
    let speed = "  " + pad(rate.map { "\(ByteCount.text(whole($0)))/s" } ?? "", 12)
    let time = "  " + pad(remaining(disk, rate), 7)
    for tail in [bytes + speed + time, bytes, ""] {
      let room = width - name.count - share.count - tail.count - 4
      if room >= 10 {
        return "\(name) [\(fill(disk.fraction, min(room, 40)))] \(share)\(tail)"
      }
    }
    return String("\(name) \(share)".prefix(max(0, width)))
  }

  /// A duration: `47 s` is `0:47`, hours come before only if there are any.
  package static func duration(seconds: Double) -> String {
    let whole = Int(min(max(0, seconds), 359_999).rounded(.up))
    let (minutes, rest) = (whole / 60 % 60, whole % 60)
    let tail = "\(rest < 10 ? "0" : "")\(rest)"
    if whole < 3600 {
      return "\(minutes):\(tail)"
    }
    return "\(whole / 3600):\(minutes < 10 ? "0" : "")\(minutes):\(tail)"
  }

  private static func remaining(_ disk: DiskProgress, _ rate: Double?) -> String {
    guard let rate, rate > 0, disk.done < disk.total else { return "" }
    return duration(seconds: Double(disk.total - disk.done) / rate)
  }

  private static func fill(_ fraction: Double, _ width: Int) -> String {
    let full = Int(fraction * Double(width))
    let head = full < width ? ">" : ""
    return String(repeating: "=", count: full) + head
      + String(repeating: " ", count: max(0, width - full - 1))
  }

  private static func left(_ bytes: UInt64) -> String {
    pad(ByteCount.text(bytes), 11)
  }

  private static func whole(_ rate: Double) -> UInt64 {
    UInt64(exactly: rate.rounded()) ?? 0
  }

  private static func right(_ number: Int, _ width: Int) -> String {
    pad("\(number)", width)
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
