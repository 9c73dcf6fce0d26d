// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import QMP

/// The facts about a domain's QEMU that decide how a frozen view of its disks is made and read.
package struct ViewSupport: Sendable, Equatable {
  /// Whether one request may span clusters that the filter has saved and clusters that it has not.
  ///
  /// QEMU before 8.0 answers such a request from the disk as it is now: its `hbitmap_status()` takes
  /// a range that begins dirty and ends clean for clean. This is a fault and no feature, so that the
  /// schema says nothing of it, and the version alone tells.
  package var spansClusters: Bool
  /// Whether threads of their own serve disks.
  package var hasIOThreads: Bool
  /// Tells that the guest is suspended at an instant that one command cannot make.
  ///
  /// QEMU 7.2 aborts where a node is added over a disk in a thread of its own while a request is
  /// under way, and where `blockdev-reopen` finds a disk by two ways; a suspended guest has no
  /// request under way. From 8.2 on a suspension itself is the danger, for a guest with such threads:
  /// QEMU puts off the interrupts of requests that end (`defer_call()` in its thread pool), and one
  /// that is still put off when `stop` takes away the device's notifiers never reaches the guest,
  /// which then waits for its disk for ever.
  package var suspends: Bool
  /// Whether an NBD server outlives its clients where a thread of its own serves the disk.
  ///
  /// QEMU before 9.0, with the fix of CVE-2024-7409 that distributions have taken over, ends with an
  /// assertion (`nbd_blockdev_client_closed`) when a client leaves, and the guest with it. The schema
  /// says nothing of that either.
  package var servesIOThreads: Bool

  /// Makes a description; without arguments it is that of a QEMU without faults.
  package init(
    spansClusters: Bool = true, hasIOThreads: Bool = false, suspends: Bool = false,
    servesIOThreads: Bool = true
  ) {
    self.spansClusters = spansClusters
    self.hasIOThreads = hasIOThreads
    self.suspends = suspends
    self.servesIOThreads = servesIOThreads
  }

  /// Asks a QEMU.
  ///
  /// - Throws: `QMPError`, or what libvirt throws.
  package init(of monitor: any Monitor) throws {
    let version = try monitor.version()
    spansClusters = version >= QEMUVersion(8)
    suspends = version < QEMUVersion(8, 2)
    hasIOThreads = try !monitor.ioThreads().isEmpty
    servesIOThreads = version >= QEMUVersion(9)
  }
}

/// What a user says about how far the guest's writes may depend on where its backup goes.
package enum Protection: Sendable, Equatable {
  /// A view protects the guest where its QEMU has the drivers for one; else its writes depend on the
  /// target, and the user is told.
  case automatic
  /// The guest is protected, or nothing is done.
  case required
  /// The guest's writes depend on the target.
  case none
}

extension Protection {
  /// What a user whose guest is not protected has to know.
  package static let warning =
    "the guest is not protected: until the end its writes depend on the storage of the backup, and "
    + "fail where that fills up or fails, as with virsh backup-begin"
}

extension BackupError {
  /// The guest would have to go unprotected.
  package static let noView = BackupError(
    .invalid,
    "unsupported configuration: the domain's QEMU lacks the block drivers copy-before-write and "
      + "snapshot-access, which protect the guest; without --protected its writes depend on the "
      + "storage of the backup")
}

/// A QEMU that has no drivers for a frozen view.
package struct MissingViewDrivers: Error {}
