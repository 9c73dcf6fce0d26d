// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Names of the volumes that belong to a point.
///
/// They are for people: nothing ever reads them, the manifest says what belongs to a point.
package struct VolumeNames: Sendable, Equatable {
  private let stem: String

  /// Ending of a manifest's name.
  package static let manifestSuffix = ".backup.xml"
  /// Ending of a partial's name.
  package static let partialSuffix = ".partial.xml"
  /// Ending of the note that a domain's bitmaps were forgotten.
  package static let forgottenSuffix = ".forgotten"

  /// What the NVRAM is called among the disks of an operation; no disk can have that name.
  package static let nvramDisk = "nvram"
  /// Ending, after a partial's name, of the mark that all data of a restore is whole, and of
  /// what an async delete and a live restore note of themselves.
  package static let doneSuffix = ".done"
  /// Ending, after a partial's name, of the note of the volumes that have taken over what they need.
  package static let mergedSuffix = ".merged"
  /// Ending, after a partial's name and before twelve hex digits of a session's UUID, of what says
  /// which of its bitmaps stays.
  package static let endedSuffix = ".ended."
  /// Ending, after a partial's name and before the first digits of the operation's UUID, of the volume
  /// that says what becomes of a create.
  package static let decidedSuffix = ".decided"
  /// Ending, after a partial's name and before a number, of what says which client ends a restore.
  package static let claimSuffix = ".claim"

  /// Ending, after a partial's name and before a number, of what tells a file that was made.
  package static let madeSuffix = ".made"

  /// Makes the names for a point.
  ///
  /// - Parameters:
  ///   - domain: The domain's name; bytes outside `[A-Za-z0-9_.-]` become `%XX`, and what is longer
  ///     than 120 bytes is cut and told apart by the UUID.
  ///   - uuid: The domain's UUID.
  ///   - point: The point's name.
  package init(domain: String, uuid: String, point: String) {
    var escaped = VolumeNames.escape(domain)
    if escaped.utf8.count > 120 {
      escaped = escaped.prefix(120) + "~" + uuid.filter { $0 != "-" }.prefix(8)
    }
    stem = "\(escaped).\(point)"
  }

  /// A name with every byte outside `[A-Za-z0-9_.-]` as `%XX`, fit for a file.
  package static func escape(_ name: String) -> String {
    var escaped = ""
    for byte in name.utf8 {
      if isPlain(byte) {
        escaped.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let hex = String(byte, radix: 16, uppercase: true)
        escaped += "%" + (hex.count == 1 ? "0" + hex : hex)
      }
    }
    // A leading dot would hide the volume from libvirt, which skips such files.
    return escaped.hasPrefix(".") ? "%2E" + escaped.dropFirst() : escaped
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: "-"):
      true
    default:
      false
    }
  }

  /// The volume with a disk's data.
  package func disk(_ target: String) -> String { "\(stem).\(target).qcow2" }
  /// The volume that keeps what the guest overwrites while a disk is copied.
  package func scratch(_ target: String) -> String { "\(stem).\(target).scratch.qcow2" }
  /// The volume over a disk's data in a domain that is started to see whether the point boots.
  package func booted(_ target: String, operation: String) -> String {
    "\(stem).\(target).\(OperationID(operation).short).booted.qcow2"
  }
  /// The variables of the firmware of such a domain.
  package func bootedNVRAM(operation: String) -> String {
    "\(stem).nvram.\(OperationID(operation).short).booted.fd"
  }
  /// The volume with the variables of its firmware.
  package var nvram: String { "\(stem).nvram.fd" }
  /// The volume with the state of its TPM.
  package var tpm: String { "\(stem).tpm.permall" }
  /// The manifest.
  package var manifest: String { stem + VolumeNames.manifestSuffix }
  /// The document of a create under way: one at a time can make a point of that name.
  package var partial: String { stem + VolumeNames.partialSuffix }
  /// The document of another operation on the point, of which there may be several.
  package func partial(operation: String) -> String {
    "\(stem).\(OperationID(operation).short)\(VolumeNames.partialSuffix)"
  }
  /// The note that the domain's bitmaps were forgotten.
  package var forgotten: String { stem + VolumeNames.forgottenSuffix }

  /// The partial that a mark, a note or a claim belongs to; nil for another volume.
  package static func partial(ofNote volume: String) -> String? {
    let number = volume.suffix(volume.reversed().prefix { ("0"..."9").contains($0) }.count)
    let create = volume.suffix(8), session = volume.suffix(12)
    var endings = [doneSuffix, mergedSuffix]
    if !number.isEmpty { endings += [claimSuffix + number, madeSuffix + number] }
    if create.allSatisfy(\.isHexDigit) { endings.append(decidedSuffix + create) }
    if session.count == 12, session.allSatisfy(\.isHexDigit) {
      endings.append(endedSuffix + session)
    }
    for ending in endings where volume.hasSuffix(partialSuffix + ending) {
      return String(volume.dropLast(ending.count))
    }
    return nil
  }
}
