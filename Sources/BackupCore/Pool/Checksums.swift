// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The checksums of a point's own volumes: a volume of the pool, beside the manifest.
///
/// The volume has the format of `sha256sum`, which can check it in the pool's directory. Its first
/// line, a comment to that program, names the point: another point may have come to the name.
package struct Checksums: Sendable, Equatable {
  /// UUID of the point, lower case.
  package var point: String
  /// The SHA-256 of volumes by their names, as 64 hex digits in lower case.
  package var sums: [String: String]
  /// Names of volumes whose sum was taken back: they have changed, or are about to.
  package private(set) var withheld: Set<String> = []

  private static let mark = "# SHA-256 of backup "
  private static let withheldMark = "# to be made anew: "
  /// The most bytes that a document of ours has; a longer volume is not ours.
  package static let largest: UInt64 = 1 << 20

  /// Makes the checksums of a point.
  package init(point: String, sums: [String: String] = [:]) {
    self.point = point
    self.sums = sums
  }

  /// Reads the checksums; nil for what we did not write.
  ///
  /// - Parameter text: The document.
  package init?(parsing text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
    guard let first = lines.first, first.hasPrefix(Checksums.mark) else { return nil }
    let uuid = first.dropFirst(Checksums.mark.count).prefix { $0 != " " }
    guard uuid.utf8.count == 36 else { return nil }
    self.init(point: uuid.lowercased())
    for line in lines.dropFirst() where line.hasPrefix(Checksums.withheldMark) {
      withheld.insert(String(line.dropFirst(Checksums.withheldMark.count)))
    }
    for line in lines.dropFirst() where !line.hasPrefix("#") {
      guard let (volume, sum) = Checksums.entry(line),
        sums.updateValue(sum, forKey: volume) == nil
      else { return nil }
    }
  }

  /// Takes back the sums of volumes that are about to change.
  package mutating func withhold(_ volumes: Set<String>) {
    for volume in volumes where sums.removeValue(forKey: volume) != nil { withheld.insert(volume) }
  }

  /// Puts in sums of volumes that are whole again.
  package mutating func renew(_ new: [String: String]) {
    sums.merge(new) { $1 }
    withheld.subtract(new.keys)
  }

  /// Takes out volumes that are gone.
  package mutating func forget(_ volumes: Set<String>) {
    for volume in volumes { sums[volume] = nil }
    withheld.subtract(volumes)
  }

  /// Reads `SUM  NAME`; a backslash before the line says that some in the name are doubled.
  private static func entry(_ line: Substring) -> (volume: String, sum: String)? {
    let isEscaped = line.hasPrefix("\\")
    let line = isEscaped ? line.dropFirst() : line
    let sum = line.prefix(64), rest = line.dropFirst(64)
    guard sum.utf8.count == 64, sum.allSatisfy(\.isHexDigit), rest.hasPrefix("  ") else {
      return nil
    }
    let name = String(rest.dropFirst(2))
    return (isEscaped ? name.replacing("\\\\", with: "\\") : name, sum.lowercased())
  }

  /// The document.
  package var text: String {
    var lines = ["\(Checksums.mark)\(point)"]
    lines += withheld.sorted().map { Checksums.withheldMark + $0 }
    for (volume, sum) in sums.sorted(by: { $0.key < $1.key }) {
      let escaped = volume.replacing("\\", with: "\\\\")
      lines.append("\(escaped == volume ? "" : "\\")\(sum)  \(escaped)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
