// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What proves that the content of a pool's volumes is whole.
package protocol VolumeProofs: AnyObject {
  /// Computes the SHA-256 of a volume's content.
  ///
  /// Where the volume's file can be opened from here a program of this machine reads it, else all of it
  /// comes over libvirt's connection (`virStorageVolDownload`).
  ///
  /// - Parameters:
  ///   - volume: The volume.
  ///   - progress: Is told every now and then how many bytes were read; what it throws ends the work.
  /// - Returns: 64 hex digits in lower case.
  /// - Throws: ``BackupError`` where it is no regular file, or no program computes it; what libvirt
  ///   throws.
  func sha256(of volume: String, progress: (_ bytes: UInt64) throws -> Void) throws -> String
  /// Has QEMU's own tool check the tables of a qcow2 volume, where its file can be read from here
  /// (`qemu-img check`).
  func imageCheck(of volume: String) -> ImageCheck
}

/// What `qemu-img check` found.
package enum ImageCheck: Sendable, Equatable {
  /// The image is consistent.
  case sound
  /// It is not, in words that follow the volume's name.
  case damaged(String)
  /// It could not be checked: something has it open to write, it cannot be read from here, or there is
  /// no such tool, for a reason in words.
  case unchecked(String)
}
