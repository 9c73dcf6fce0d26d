// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP

/// Moves into an image what it needs of those that it stands on.
///
/// Data that is written into an image is in its file once the image is flushed or closed, the name of another
/// backing file at once: a QEMU that is killed leaves the one without the other.
extension FakeQEMU {
  /// A job that moves data of a chain into one of its images.
  struct Stream {
    var device: String
    /// The first node below it whose data stays where it is; nil where all moves.
    var base: String?
    /// Name of the backing file that the image has afterwards; nil for none.
    var backingFile: String?
  }

  /// Starts one, which has moved a part of it by then.
  func stream(_ arguments: Members) throws {
    func argument(_ name: String) -> String? { arguments[name] as? String }
    let id = argument("job-id") ?? "", device = argument("device") ?? ""
    guard nodes[device] != nil else { throw Refusal(text: "Cannot find device '\(device)'") }
    guard jobs[id] == nil else { throw Refusal(text: "Job ID '\(id)' already in use") }
    if let base = argument("base-node"), !chain(of: device).dropFirst().contains(base) {
      throw Refusal(text: "Node '\(base)' is not a backing image of '\(device)'")
    }
    streams[id] = Stream(
      device: device, base: argument("base-node"), backingFile: argument("backing-file"))
    jobs[id] = JobInfo(id: id, type: "stream", status: "running", totalProgress: 1)
    move(id, limit: 1)
  }

  /// Moves what has not been moved yet.
  func moveAll(error: String?) {
    for id in streams.keys where jobs[id]?.status == "running" {
      if error == nil { move(id, limit: .max) }
      jobs[id] = JobInfo(
        id: id, type: "stream", status: error == nil ? "pending" : "concluded",
        currentProgress: 1, totalProgress: 1, error: error)
    }
  }

  private func move(_ id: String, limit: Int) {
    guard let stream = streams[id] else { return }
    let above = chain(of: stream.device).prefix { $0 != stream.base }
    let own = image(of: stream.device).clusters
    let needed = content(of: Array(above.dropFirst())).filter { own[$0.key] == nil }
    for (cluster, text) in needed.sorted(by: { $0.key < $1.key }).prefix(limit) {
      unwritten[stream.device, default: [:]][cluster] = text
    }
  }

  /// Has the image stand on what it shall stand on.
  func link(_ id: String) {
    guard let stream = streams[id], let file = file(of: stream.device),
      var image = files?.read(file).flatMap(ChainImage.init)
    else { return }
    image.backing = stream.backingFile
    files?.write(image.bytes, to: file)
    nodes[stream.device]?.below.removeLast()
    if let base = stream.base { nodes[stream.device]?.below.append(base) }
  }

  /// Writes what was moved into an image.
  func flush(_ node: String) {
    guard let clusters = unwritten.removeValue(forKey: node), let file = file(of: node) else {
      return
    }
    var image = files?.read(file).flatMap(ChainImage.init) ?? ChainImage()
    image.clusters.merge(clusters) { $1 }
    files?.write(image.bytes, to: file)
  }

  /// Ends it in good order.
  func close() { for node in unwritten.keys { flush(node) } }

  /// A node and those with the images that it stands on.
  private func chain(of node: String) -> [String] {
    [node] + (nodes[node]?.below.dropFirst().first.map(chain) ?? [])
  }

  private func image(of node: String) -> ChainImage {
    var image = file(of: node).flatMap { files?.read($0) }.flatMap(ChainImage.init) ?? ChainImage()
    image.clusters.merge(unwritten[node] ?? [:]) { $1 }
    return image
  }

  private func content(of nodes: [String]) -> [Int: String] {
    nodes.reduce(into: [:]) { $0.merge(image(of: $1).clusters) { upper, _ in upper } }
  }

  /// The data that a guest would read of a node that stands on others; nil where it stands on none.
  func flattened(_ node: String) -> [UInt8]? {
    let chain = chain(of: node)
    return chain.count > 1 ? ChainImage(content(of: chain)).bytes : nil
  }
}
