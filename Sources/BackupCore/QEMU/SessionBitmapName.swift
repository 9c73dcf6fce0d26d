// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// Name of a bitmap that records what changed since an NBD session began.
///
/// It outlives the session as the base of the next, when nothing else tells of it any more. So it
/// also says which images the disk was made of: a bitmap alone cannot tell whether all images that
/// were written to since have one.
package struct SessionBitmapName: Sendable, Hashable {
  /// Name of the session.
  package var session: String
  /// The target name, `vda`.
  package var disk: String
  /// Hashes of where the images were, the active one first; not all of them in a long chain.
  package var images: [String]

  private static let prefix = "virsh-backup.nbd."
  /// QEMU allows 1023 bytes for the whole name.
  private static let imageLimit = 16

  /// Makes a name.
  package init(session: String, disk: String, images: [String]) {
    self.session = session
    self.disk = disk
    self.images = Array(images.prefix(SessionBitmapName.imageLimit))
  }

  /// Reads a name.
  ///
  /// Nil for a bitmap that records no session of ours.
  package init?(parsing text: String) {
    guard text.hasPrefix(SessionBitmapName.prefix) else { return nil }
    // The session's name may have dots, the others not.
    var parts = text.dropFirst(SessionBitmapName.prefix.count)
      .split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 3,
      let images = parts.popLast()?.split(
        separator: "-", omittingEmptySubsequences: false),
      images.allSatisfy({ $0.utf8.count == 16 && $0.allSatisfy(\.isHexDigit) }),
      let disk = parts.popLast(), !disk.isEmpty
    else { return nil }
    let session = parts.joined(separator: ".")
    guard Syntax.isBackupName(session) else { return nil }
    self.init(session: session, disk: String(disk), images: images.map(String.init))
  }

  /// The name as QEMU has it.
  package var text: String {
    "\(SessionBitmapName.prefix)\(session).\(disk).\(images.joined(separator: "-"))"
  }

  /// The hash of where an image is.
  ///
  /// A device that grows shows in its new part what stood there before, so its size counts too.
  package static func image(of source: DomainDefinition.Source, growingFrom size: UInt64?) -> String
  {
    let place =
      switch source {
      case .file(let path): "file:\(path)"
      case .block(let path): "block:\(path)"
      case .volume(let pool, let name): "volume:\(pool)/\(name)"
      case .other(let type): "other:\(type)"
      case .none: "none"
      }
    return StableHash.hex(size.map { "\(place)@\($0)" } ?? place)
  }
}

extension BlockNode {
  /// The bitmaps of sessions on it.
  package var sessionBitmaps: [SessionBitmapName] {
    (dirtyBitmaps ?? []).compactMap(\.name).compactMap(SessionBitmapName.init(parsing:))
  }
}
