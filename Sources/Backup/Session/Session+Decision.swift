// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// One of a session's two bitmaps stays when it ends, the one of its own or the one that it was
/// based on: clients that end it at the same time must not drop both.
///
/// The first one decides by making the mark. Whoever comes later does what it says, and nobody takes
/// it away before the partial is gone.
extension Session {
  /// The mark of a session whose bitmap stays, and of one whose bitmap goes.
  ///
  /// libvirt makes a volume of the length before the content is there, so the lengths tell them
  /// apart.
  private static let marks = (finished: Array("finished\n".utf8), failed: Array("failed\n".utf8))

  /// Decides whether the bitmap of a session stays, unless that was decided before.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - keepsBitmap: What this client wants.
  /// - Returns: What is decided; nil where another client has ended the session.
  /// - Throws: What libvirt throws where the mark cannot be made. A session that failed is ended
  ///   without it then: the pool may be full, and nobody can make the other mark either.
  func decide(_ pending: Catalog.Pending, keepsBitmap: Bool) throws -> Bool? {
    if let decided = try decision(on: pending) { return decided }
    guard try journal.isUnderWay(pending) else { return nil }
    let mark = keepsBitmap ? Self.marks.finished : Self.marks.failed
    do {
      try repository.write(pending.mark, mark)
    } catch let error as BackupError where error.code == .exists {
      // Another client was faster.
    } catch {
      guard !keepsBitmap else { throw error }
    }
    guard try journal.isUnderWay(pending) else {
      // It says nothing any more.
      try repository.delete(pending.mark)
      return nil
    }
    if let decided = try decision(on: pending) { return decided }
    return try journal.isUnderWay(pending) ? keepsBitmap : nil
  }

  /// Tells whether the bitmap of a session stays, as the client decided that ends it; nil where none has.
  ///
  /// - Throws: What libvirt throws where that cannot be found out.
  func decision(on pending: Catalog.Pending) throws -> Bool? {
    guard let length = try journal.decidingLength(of: pending.mark) else { return nil }
    // Where the machine lost the length, a record of changes that nobody read must not be taken for one.
    return length > 0 && length != UInt64(Self.marks.failed.count)
  }
}

extension BackupError {
  /// Another client has ended a session while this one did.
  ///
  /// - Parameters:
  ///   - session: The session.
  ///   - asFailed: How; nil where that is not known.
  /// - Returns: The error with code `busy`.
  static func ended(_ session: Partial, asFailed: Bool?) -> BackupError {
    let name = session.pointName
    let advice =
      switch asFailed {
      case nil: "whether its changes stay recorded was for that one to say"
      case true?: "with --failed: the next session is to be based on the one before"
      case false?:
        "as one that was read as a whole: if it was not, do not name it as --parent, or "
          + "--forget it"
      }
    return BackupError(.busy, "NBD session '\(name)' was ended by another client, \(advice)")
  }
}
