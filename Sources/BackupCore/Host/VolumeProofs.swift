// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The checks that prove that the content of a pool's volumes is whole.
package protocol VolumeProofs: AnyObject {
  /// Computes the SHA-256 of a volume's content.
  ///
  /// A program of this machine reads the volume's file where that can be opened from here. Else all
  /// of it comes over libvirt's connection (`virStorageVolDownload`).
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

/// The result of `qemu-img check` for one image.
package enum ImageCheck: Sendable, Equatable {
  /// The image is consistent.
  case sound
  /// The image is damaged, in words that follow the volume's name.
  case damaged(String)
  /// The image could not be checked, for a reason in words.
  ///
  /// Something has it open to write, it cannot be read from here, or there is no such tool.
  case unchecked(String)
}
