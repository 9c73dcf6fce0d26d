// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials
import QMP

/// The name of a backing file as it stands in an image.
package struct BackingName: Sendable, Equatable {
  /// The name.
  package var text: String

  /// Takes a name as it is.
  package init(_ text: String) { self.text = text }

  /// Absolute paths of the files that it means; none where it means something in the network.
  ///
  /// - Parameter directory: Absolute path of the directory of the image.
  /// - Returns: The paths, without `.` and `..`; links are as they are.
  package func paths(in directory: String) -> [String] {
    if text.hasPrefix("json:") {
      let description = Data(text.utf8.dropFirst(5))
      guard let value = try? JSONDecoder().decode(JSONValue.self, from: description) else {
        return []
      }
      return BackingName.files(in: value).flatMap { BackingName($0).paths(in: directory) }
    }
    var name = text[...]
    if name.hasPrefix("file:") { name = name.dropFirst(5) }
    guard !name.isEmpty, !BackingName.hasProtocol(name) else { return [] }
    return [BackingName.normalized(name.hasPrefix("/") ? String(name) : "\(directory)/\(name)")]
  }

  /// Whether QEMU takes what is before the first colon for a protocol.
  private static func hasProtocol(_ name: Substring) -> Bool {
    guard let end = name.firstIndex(where: { $0 == ":" || $0 == "/" }) else { return false }
    return name[end] == ":"
  }

  /// Every file that a description of a node names.
  private static func files(in value: JSONValue) -> [String] {
    switch value {
    case .object(let members):
      members.flatMap { key, value in
        if case .string(let text) = value {
          return key == "filename" || key.hasSuffix(".filename") ? [text] : []
        }
        return files(in: value)
      }
    case .array(let values): values.flatMap(files)
    default: []
    }
  }

  private static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
