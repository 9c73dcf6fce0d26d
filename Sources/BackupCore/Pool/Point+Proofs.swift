// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The documents that prove something of a point are beside its manifest and named as that is.
extension Point {
  /// Name of the volume with the checksums.
  package var checksumsVolume: String { VolumeNames.checksums(ofManifest: manifestVolume) }
  /// Name of the volume that tells what checks have shown.
  package var verificationVolume: String { VolumeNames.verification(ofManifest: manifestVolume) }
}

extension VolumeNames {
  /// Ending of the name of a point's checksums.
  package static let checksumsSuffix = ".sha256"
  /// Ending of the name of what checks of a point have shown.
  package static let verificationSuffix = ".verified.xml"

  /// The checksums beside a manifest.
  package static func checksums(ofManifest manifest: String) -> String {
    stem(ofManifest: manifest) + checksumsSuffix
  }

  /// The name of the record beside a manifest.
  package static func verification(ofManifest manifest: String) -> String {
    stem(ofManifest: manifest) + verificationSuffix
  }

  private static func stem(ofManifest manifest: String) -> Substring {
    manifest.hasSuffix(manifestSuffix) ? manifest.dropLast(manifestSuffix.count) : manifest[...]
  }
}

extension Catalog {
  /// The checksums of a point; nil where there are none that are its own.
  ///
  /// - Throws: What the repository throws where they are there and cannot be read.
  package func checksums(
    of point: Point, in repository: any Repository
  ) throws -> Checksums? {
    guard volumes.contains(point.checksumsVolume) else { return nil }
    return try Checksums(in: point.checksumsVolume, of: point.manifest.uuid, repository)
  }

  /// The record of a point; nil if there is none that can be read and is the point's own.
  package func verification(of point: Point, in repository: any Repository) -> Verification? {
    guard volumes.contains(point.verificationVolume) else { return nil }
    return Verification(in: point.verificationVolume, of: point.manifest.uuid, repository)
  }
}

extension Checksums {
  /// Reads the checksums of a point, as they are now; nil where there are none that are its own.
  ///
  /// - Parameters:
  ///   - volume: The volume that they are in.
  ///   - point: UUID of the point.
  ///   - repository: The pool's volumes.
  /// - Throws: What the repository throws where they are there and cannot be read.
  package init?(in volume: String, of point: String, _ repository: any Repository) throws {
    guard let bytes = try repository.readIfThere(volume, length: Checksums.largest + 1),
      bytes.count <= Checksums.largest,
      let read = Checksums(parsing: String(decoding: bytes, as: UTF8.self)), read.point == point
    else { return nil }
    self = read
  }
}

extension Verification {
  /// Reads the record of a point, as it is now; nil where there is none that is its own and can be read.
  ///
  /// - Parameters:
  ///   - volume: The volume that it is in.
  ///   - point: UUID of the point.
  ///   - repository: The pool's volumes.
  package init?(in volume: String, of point: String, _ repository: any Repository) {
    guard (try? repository.contains(volume)) == true,
      let text = try? Catalog.text(of: volume, in: repository),
      let read = try? Verification(parsing: text), read.point == point
    else { return nil }
    self = read
  }
}
