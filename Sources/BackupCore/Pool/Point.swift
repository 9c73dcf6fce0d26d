// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// A point of the pool: its manifest and whether everything it needs is there.
package struct Point: Sendable, Equatable {
  /// What the manifest says.
  package var manifest: Manifest
  /// Name of the volume the manifest is in.
  package var manifestVolume: String
  /// Volumes it needs, its own and its ancestors', that are gone.
  package var missingVolumes: [String]

  /// Makes a point.
  package init(manifest: Manifest, manifestVolume: String, missingVolumes: [String] = []) {
    self.manifest = manifest
    self.manifestVolume = manifestVolume
    self.missingVolumes = missingVolumes
  }

  /// Whether every disk can be restored.
  package var isComplete: Bool { missingVolumes.isEmpty }

  /// Whether a disk is in it.
  package func has(_ disk: String) -> Bool { manifest.disks.contains { $0.name == disk } }

  /// Bytes its own volumes occupy.
  package var size: UInt64 {
    manifest.volumes.reduce(0) { $0 &+ $1.size }
  }

  /// What its disks have in common.
  package var type: PointType {
    let kinds = Set(
      manifest.disks.map { disk in
        switch disk.mode {
        case .full: PointType.full
        case .incremental: disk.isDifferential ? PointType.differential : PointType.incremental
        }
      })
    guard kinds.count == 1, let kind = kinds.first else { return .mixed }
    return kind
  }
}

/// What the disks of a point have in common.
package enum PointType: String, Sendable {
  /// Each disk stands alone.
  case full
  /// Each disk stands on the newest point before it.
  case incremental
  /// Each disk stands on a point that was named.
  case differential
  /// Some of this, some of that.
  case mixed
}
