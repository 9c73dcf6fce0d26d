// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What libvirt's schema asks of the texts in a `<domainbackup>` document.
extension Syntax {
  /// The image formats libvirt knows.
  static let imageFormats: Set<String> = [
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "luks",
    "cow",
    "qcow", "qcow2", "qed", "vmdk",
  ]

  /// Whether a text can be the target name of a disk.
  static func isDiskTarget(_ text: String) -> Bool {
    let rest = text.hasPrefix("ioemu:") ? text.dropFirst("ioemu:".count) : text[...]
    return ["fd", "hd", "sd", "vd", "xvd", "ubd"].contains { prefix in
      rest.utf8.count > prefix.utf8.count && rest.hasPrefix(prefix)
        && rest.utf8.dropFirst(prefix.utf8.count).allSatisfy { isAlphanumeric($0) || $0 == 0x5F }
    }
  }

  /// Whether a text is a host name or an IPv4 address.
  static func isHostName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || ".-".utf8.contains($0) }
  }

  /// Whether a text is an IPv6 address, in one of the forms that libvirt's schema knows.
  static func isIPv6Address(_ text: String) -> Bool {
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return halves.count == 1 && isWholeIPv6Address(text) }
    let left = groups(halves[0])
    var right = groups(halves[1])
    guard left.allSatisfy(isHexGroup) else { return false }
    if let last = right.last, isIPv4Address(last) {
      right.removeLast()
      guard right.allSatisfy(isHexGroup) else { return false }
      return left.isEmpty ? right.count <= 5 : right.isEmpty && left.count <= 5
    }
    return right.allSatisfy(isHexGroup) && left.count + right.count <= 7
  }

  private static func isWholeIPv6Address(_ text: String) -> Bool {
    let groups = groups(text[...])
    guard let last = groups.last, isIPv4Address(last) else {
      return groups.count == 8 && groups.allSatisfy(isHexGroup)
    }
    // The schema takes `:1.2.3.4` too.
    let others = groups.dropLast()
    return others == [""] || (others.count == 6 && others.allSatisfy(isHexGroup))
  }

  /// The parts between colons; none for the empty text.
  private static func groups(_ text: Substring) -> [Substring] {
    text.isEmpty ? [] : text.split(separator: ":", omittingEmptySubsequences: false)
  }

  private static func isHexGroup(_ text: Substring) -> Bool {
    (1...4).contains(text.utf8.count) && text.utf8.allSatisfy(isHexDigit)
  }

  private static func isIPv4Address(_ text: Substring) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        guard let number = number(String(part)), number <= 255 else { return false }
        return String(number) == part
      }
  }

  /// Whether a text is what libvirt's schema calls an absolute path, `C:\x` among it.
  static func isSchemaPath(_ text: String) -> Bool {
    var rest = text.unicodeScalars[...]
    if rest.first == "/" {
      rest.removeFirst()
    } else {
      guard let drive = rest.popFirst(), drive.isASCII, drive.properties.isAlphabetic,
        rest.popFirst() == ":", rest.popFirst() == "\\"
      else { return false }
    }
    return !rest.isEmpty && !rest.contains { $0 == "\n" || $0 == "\r" }
  }

  /// Whether a text is a UUID without dashes.
  static func isPlainUUID(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy(isHexDigit)
  }
}
