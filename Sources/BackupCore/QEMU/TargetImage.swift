// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import QMP

/// The facts about a target, beyond its path, that decide how it is opened.
package struct TargetImage {
  /// True if the target is a block device.
  package var isDevice: Bool
  /// Bytes of the disk that is copied.
  package var capacity: UInt64
  /// Id of the job by which QEMU makes an image of it; nil for a file that is one, or a raw copy.
  package var job: String?
  /// The encryption of that image; nil for none.
  package var encryption: LUKSOptions?
  /// The compression of the image's clusters; nil for QEMU's choice.
  package var compression: Qcow2Compression?
  /// Name of the volume beside it that it stands on.
  package var backing: String?

  /// Describes a target.
  package init(
    isDevice: Bool, capacity: UInt64, job: String? = nil, encryption: LUKSOptions? = nil,
    compression: Qcow2Compression? = nil, backing: String? = nil
  ) {
    self.isDevice = isDevice
    self.capacity = capacity
    self.job = job
    self.encryption = encryption
    self.compression = compression
    self.backing = backing
  }
}

extension Monitor {
  /// Makes an image of an open file or device, where QEMU is to do that.
  ///
  /// For an encrypted one QEMU measures how long its key takes, by the processor time of a thread:
  /// on a busy host that fails now and then, and works when it is tried again.
  ///
  /// - Throws: ``BackupError`` when QEMU cannot.
  package func make(
    _ image: TargetImage, format: String, of node: String, path: String
  ) throws {
    guard let job = image.job else { return }
    let command = Command.createImage(
      jobID: job, format: format, file: node, size: image.capacity, encryption: image.encryption,
      compression: image.compression, backing: image.backing)
    let trials = image.encryption == nil ? 1 : 10
    for trial in 1...trials {
      guard let error = try failure(of: command, job: job) else { return }
      guard trial < trials else {
        throw BackupError(.failed, "failed to create image in '\(path)': \(error)")
      }
    }
  }

  /// Runs a `blockdev-create` to its end.
  ///
  /// - Returns: Why it failed; nil when it did not.
  private func failure(
    of command: Command, job: String
  ) throws -> String? {
    try execute(command)
    defer { _ = try? execute(.jobDismiss(job)) }
    while true {
      guard let found = try jobs().first(where: { $0.id == job }) else { return nil }
      if found.status == "concluded" { return found.error }
      _ = try nextEvent(timeoutMilliseconds: 200)
    }
  }
}
