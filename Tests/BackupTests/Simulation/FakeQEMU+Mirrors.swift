// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP

/// Opens files as QEMU does, and mirrors the content of one to another.
extension FakeQEMU {
  /// A mirror of what a node has.
  struct Mirror {
    var source: String
    var target: String
  }

  /// Copies what jobs have not copied yet.
  ///
  /// - Parameter error: Why they fail; nil where they do not.
  func copyAll(error: String? = nil) {
    moveAll(error: error)
    backUpAll(error: error)
    for (id, mirror) in mirrors where jobs[id]?.status == "running" {
      if let error {
        jobs[id] = JobInfo(id: id, type: "mirror", status: "concluded", error: error)
        continue
      }
      if let source = file(of: mirror.source), let target = file(of: mirror.target) {
        files?.write(flattened(mirror.source) ?? files?.read(source) ?? [], to: target)
      }
      jobs[id] = JobInfo(
        id: id, type: "mirror", status: "ready", currentProgress: 1, totalProgress: 1)
    }
  }

  /// Tells that a node stands on this one, or a job works on it.
  func isUsed(_ node: String) -> Bool {
    if nodes.values.contains(where: { $0.below.contains(node) }) { return true }
    return mirrors.contains { id, mirror in
      jobs[id].map { $0.status != "concluded" } == true
        && [mirror.source, mirror.target].contains(node)
    }
  }

  /// Does a command that opens a file or copies.
  func copy(_ command: String, _ arguments: Members) throws {
    func argument(_ name: String) -> String { arguments[name] as? String ?? "" }
    switch command {
    case "blockdev-add": try add(arguments)
    case "block-stream": try stream(arguments)
    case "blockdev-mirror":
      let id = argument("job-id")
      for node in [argument("device"), argument("target")] where nodes[node] == nil {
        throw Refusal(text: "Cannot find device='' nor node-name='\(node)'")
      }
      guard jobs[id] == nil else { throw Refusal(text: "Job ID '\(id)' already in use") }
      mirrors[id] = Mirror(source: argument("device"), target: argument("target"))
      jobs[id] = JobInfo(id: id, type: "mirror", status: "running", totalProgress: 1)
      // Some of it.
      if let target = file(of: argument("target")) { files?.write(Array("part".utf8), to: target) }
    case "block-job-cancel":
      let id = argument("device")
      // A mirror that is told to end when it has ended is cancelled.
      guard let job = jobs[id], job.type == "mirror", job.status == "ready" else {
        return try end(id, from: ["running", "pending"], error: "Operation canceled")
      }
      jobs[id] = JobInfo(
        id: id, type: "mirror", status: "pending", currentProgress: 1, totalProgress: 1)
    default: throw Refusal(text: "The command \(command) has not been found")
    }
  }

  private func add(_ options: Members) throws {
    let name = options["node-name"] as? String ?? ""
    guard nodes[name] == nil else {
      throw Refusal(text: "Duplicate nodes with node-name='\(name)'")
    }
    var node = Node(driver: options["driver"] as? String ?? "")
    if let path = options["filename"] as? String {
      guard let file = files?.open(path) else {
        throw Refusal(text: "Could not open '\(path)': No such file or directory")
      }
      node.file = file
    }
    node.below = ["file", "backing"].compactMap { options[$0] as? String }
    for below in node.below where nodes[below] == nil {
      throw Refusal(text: "Cannot find device='' nor node-name='\(below)'")
    }
    nodes[name] = node
  }

  /// The file under a node.
  func file(of node: String) -> FakeFiles.Handle? {
    nodes[node].flatMap { $0.file ?? $0.below.first.flatMap(file) }
  }
}
