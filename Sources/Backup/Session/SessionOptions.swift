// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML

/// What a user wants of an NBD session.
package struct SessionOptions: Sendable, Equatable {
  /// What a user says about the export of a disk.
  package struct Export: Sendable, Equatable {
    /// Name of the export; nil for the target name.
    package var name: String?
    /// Name of the bitmap; nil for `backup-` and the target name.
    package var bitmap: String?

    /// Makes the description of an export.
    package init(name: String? = nil, bitmap: String? = nil) {
      self.name = name
      self.bitmap = bitmap
    }
  }

  /// Where it is served.
  package enum Listen: Sendable, Equatable {
    /// A unix socket: nil for one in the domain's run-time directory.
    case unix(path: String?)
    /// An address, and a port: nil for a free one.
    case tcp(host: String, port: UInt16?)
  }

  /// Name of the session; nil for the time.
  package var name: String?
  /// Name of the finished session or of the point that what changed is counted from; nil where all
  /// counts.
  package var parent: String?
  /// Name of a point that is served instead of the domain; nil for the domain.
  package var stored: String?
  /// Disks by name; empty for all.
  package var disks: [DiskRequest]
  /// Names of exports and bitmaps, by the disk's target name.
  package var exports: [String: Export]
  /// Where it is served; nil where the document says, or else a socket of the domain's own.
  package var listen: Listen?
  /// Directories where certificates may be, the first that QEMU accepts counts; nil for no TLS.
  package var tlsDirectories: [String]?
  /// Whether an address that others reach may be served without TLS.
  package var allowsPlaintext: Bool
  /// Freeze the guest's file systems around the start.
  package var isQuiesced: Bool
  /// Directory of a pool for what the guest overwrites meanwhile; nil for the pool of the session.
  package var scratchDirectory: String?
  /// The document that describes the session; nil for none.
  package var document: BackupDefinition?
  /// How far the guest's writes may depend on the scratch files.
  package var protection: Protection
  /// Scratch files that are not of our choice, by disk.
  var scratchPlaces: [String: ScratchPlace] = [:]
  /// Disks of which what the guest overwrites is encrypted.
  var encryptedScratch: Set<String> = []

  /// A file for what the guest overwrites meanwhile.
  struct ScratchPlace: Sendable, Equatable {
    /// Its directory.
    var directory: String
    /// Its name there.
    var name: String
  }

  /// Makes the options.
  package init(
    name: String? = nil, parent: String? = nil, stored: String? = nil,
    disks: [DiskRequest] = [], exports: [String: Export] = [:],
    listen: Listen? = nil, tlsDirectories: [String]? = nil,
    allowsPlaintext: Bool = false, isQuiesced: Bool = false, scratchDirectory: String? = nil,
    document: BackupDefinition? = nil, protection: Protection = .automatic
  ) {
    self.name = name
    self.parent = parent
    self.stored = stored
    self.disks = disks
    self.exports = exports
    self.listen = listen
    self.tlsDirectories = tlsDirectories
    self.allowsPlaintext = allowsPlaintext
    self.isQuiesced = isQuiesced
    self.scratchDirectory = scratchDirectory
    self.document = document
    self.protection = protection
  }

  /// Names of a disk's export and bitmap.
  func exportNames(of disk: String) -> (export: String, bitmap: String) {
    let named = exports[disk]
    return (named?.name ?? disk, named?.bitmap ?? "backup-\(disk)")
  }

  /// Refuses to serve without TLS where others than this host's programs could read, and where QEMU
  /// would have to ask a name server: its guest stands still meanwhile.
  ///
  /// - Throws: ``BackupError``.
  func checkAddress() throws {
    guard case .tcp(let host, _)? = listen else { return }
    guard SessionOptions.isAddress(host) else {
      throw BackupError(.invalid, "'\(host)' is not an IP address")
    }
    guard tlsDirectories == nil, !allowsPlaintext, !SessionOptions.isLoopback(host) else { return }
    throw BackupError(
      .invalid,
      "the disks would be readable by everyone who reaches '\(host)'; use --tls, or say "
        + "--allow-plaintext")
  }

  /// Whether an address is reached from the host itself only.
  static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host == "::1" || numbers(of: host)?.first == 127
  }

  /// Whether a text is an IP address, or the one name that is known everywhere.
  static func isAddress(_ host: String) -> Bool {
    if host == "localhost" || numbers(of: host) != nil { return true }
    // Beside hex digits IPv6 has colons, an IPv4 address at its end, and a zone.
    let address = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)[0]
    return address.contains(":")
      && address.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
  }

  /// The four numbers of an IPv4 address; nil for anything else.
  private static func numbers(of host: String) -> [UInt8]? {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { $0.allSatisfy(\.isWholeNumber) ? UInt8($0) : nil }
    return parts.count == 4 && numbers.count == 4 ? numbers : nil
  }
}
