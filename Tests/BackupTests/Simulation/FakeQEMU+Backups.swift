// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP

/// Copies what a disk has, or what of it has changed, into the image of a point.
extension FakeQEMU {
  /// A job that copies a disk.
  struct Backup {
    var device: String
    var target: String
    /// True where a bitmap says which clusters are copied.
    var isPartial: Bool
  }

  /// The beginning of the labels of clusters that have changed since any point.
  static let changed = "new "

  /// Starts one.
  func backUp(_ data: Members) throws {
    func argument(_ name: String) -> String { data[name] as? String ?? "" }
    let id = argument("job-id"), device = argument("device")
    for node in [device, argument("target")] where nodes[node] == nil {
      throw Refusal(text: "Cannot find device '\(node)'")
    }
    guard jobs[id] == nil else { throw Refusal(text: "Job ID '\(id)' already in use") }
    let bitmap = data["bitmap"] as? String
    if let bitmap { try requireBitmap(bitmap, on: device) }
    backups[id] = Backup(device: device, target: argument("target"), isPartial: bitmap != nil)
    jobs[id] = JobInfo(id: id, type: "backup", status: "running", totalProgress: 1)
  }

  /// Copies what has not been copied yet.
  func backUpAll(error: String?) {
    for (id, backup) in backups where jobs[id]?.status == "running" {
      if error == nil {
        let image = file(of: backup.device).flatMap { files?.read($0) }.flatMap(ChainImage.init)
        unwritten[backup.target] = image?.clusters.filter {
          !backup.isPartial || $0.value.hasPrefix(FakeQEMU.changed)
        }
      }
      jobs[id] = JobInfo(
        id: id, type: "backup", status: error == nil ? "pending" : "concluded",
        currentProgress: 1, totalProgress: 1, error: error)
    }
  }

  /// Adds what bitmaps have to another, where all are there.
  func mergeBitmaps(_ data: Members) throws {
    try requireBitmap(data["target"] as? String ?? "", on: data["node"] as? String ?? "")
    for source in data["bitmaps"] as? [Members] ?? [] {
      try requireBitmap(source["name"] as? String ?? "", on: source["node"] as? String ?? "")
    }
  }

  private func requireBitmap(_ name: String, on node: String) throws {
    guard nodes[node]?.bitmaps.contains(where: { $0.name == name }) == true else {
      throw Refusal(text: "Dirty bitmap '\(name)' not found")
    }
  }
}
