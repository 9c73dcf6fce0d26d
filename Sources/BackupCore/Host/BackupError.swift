// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Why the engine refuses or fails.
///
/// The text is what the user reads after `error: `.
package struct BackupError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Kinds of refusal that callers tell apart.
  package enum Code: Sendable {
    /// The domain, disk, pool or backup that was named does not exist.
    case notFound
    /// A name is taken.
    case exists
    /// Something else is under way.
    case busy
    /// What was asked for makes no sense here.
    case invalid
    /// The user interrupted the work.
    case interrupted
    /// The work took longer than was allowed.
    case timedOut
    /// It cannot be ended any more, and was ended as it is.
    case givenUp
    /// It was tried and did not work.
    case failed
    /// The data of a volume is not what its checksum says.
    case damaged
  }

  /// The kind.
  package var code: Code
  /// The text, without a full stop.
  package var description: String

  /// Makes an error.
  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

extension BackupError {
  /// The user asked to stop, and everything was undone.
  package static let interrupted = BackupError(.interrupted, "interrupted, nothing was kept")
  /// It took too long, and everything was undone.
  package static let timedOut = BackupError(.timedOut, "timed out, nothing was kept")

  /// A disk is named twice.
  package static func specifiedTwice(_ disk: String) -> BackupError {
    BackupError(.invalid, "unsupported configuration: disk '\(disk)' specified twice")
  }

  /// The file that a copy would make is there.
  package static func targetExists(_ path: String, disk: String) -> BackupError {
    BackupError(.exists, "invalid argument: store '\(path)' for backup of '\(disk)' exists")
  }

  /// A document of the kind that another command takes.
  package static let pullDocument = BackupError(
    .invalid,
    "unsupported configuration: a pull mode backup is a session: use backup-start-nbd")

  /// A name that libvirt would not give to a checkpoint.
  package static func invalidName(_ name: String) -> BackupError {
    BackupError(
      .invalid,
      "invalid backup name '\(name)': letters, digits, '_', '-' and, not first, '.' are allowed")
  }

  /// A guest that stands still cannot freeze its file systems.
  package static let cannotQuiesce = BackupError(
    .invalid, "Requested operation is not valid: a paused domain cannot be quiesced")

  /// What we freeze we thaw again, and this would be somebody else's.
  package static let alreadyFrozen = BackupError(
    .invalid,
    "Requested operation is not valid: the file systems of the guest are frozen already; "
      + "domfsthaw thaws them")
  /// The guest ran while its disks were switched, so that they are not of one instant.
  package static let movedOn = BackupError(
    .failed,
    "the guest was not held until its disks were switched to one instant; try again")

  /// The QEMU that worked for an operation has ended.
  package static let guestEnded = BackupError(
    .failed, "the domain's QEMU ended during the operation")

  /// The point that would be deleted is protected.
  package static func protected(_ manifest: Manifest) -> BackupError {
    BackupError(
      .busy,
      "Requested operation is not valid: backup '\(manifest.name)' is protected; 'backup-protect "
        + "\(manifest.domainName) \(manifest.name) --off' lets it be deleted")
  }

  /// Another operation has the domain's disks.
  package static func occupied(by other: Partial, pool: String? = nil) -> BackupError {
    let place = pool.map { " (pool '\($0)')" } ?? ""
    return if other.restore != nil {
      BackupError(
        .busy,
        "Requested operation is not valid: a restore of backup '\(other.pointName)'\(place) over "
          + "the domain is already running; backup-jobabort ends it")
    } else if other.liveRestore != nil {
      BackupError(
        .busy,
        "Requested operation is not valid: domain '\(other.domainName)' is being restored from "
          + "backup '\(other.pointName)'\(place) while it runs; see backup-jobinfo")
    } else if other.session == nil {
      BackupError(
        .busy,
        "Requested operation is not valid: backup '\(other.pointName)'\(place) of the domain is "
          + "already running; backup-jobabort ends it")
    } else {
      BackupError(
        .busy,
        "Requested operation is not valid: NBD session '\(other.pointName)'\(place) of the domain "
          + "is active; backup-finish-nbd ends it")
    }
  }

  /// The same where what was begun could not be undone.
  package var leavingTraces: BackupError {
    let rest = "the next command on the domain undoes what was begun"
    return switch self {
    case .interrupted: BackupError(code, "interrupted; \(rest)")
    case .timedOut: BackupError(code, "timed out; \(rest)")
    default: self
    }
  }
}
