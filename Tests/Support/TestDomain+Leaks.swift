// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

// What our program could leave in a QEMU.
extension TestDomain {
  /// Block nodes, filters among them, whose names are ours.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func ourNodes() throws -> [String] {
    try nodes().compactMap { $0["node-name"] as? String }.filter(Self.isOurs)
  }

  /// Jobs of any kind, ours or not, as `ID STATUS`.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func jobs() throws -> [String] {
    let jobs = try libvirt.monitor(name, "query-jobs") as? [[String: Any]] ?? []
    return jobs.map { "\($0["id"] ?? "") \($0["status"] ?? "")" }
  }

  /// Bitmaps whose names are ours, as `NODE/BITMAP`.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func ourBitmaps() throws -> [String] {
    try nodes().flatMap { node in
      let bitmaps = node["dirty-bitmaps"] as? [[String: Any]] ?? []
      return bitmaps.compactMap { $0["name"] as? String }.filter(Self.isOurs)
        .map { "\(node["node-name"] ?? "")/\($0)" }
    }
  }

  /// Descriptor sets handed to QEMU and still there.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func descriptorSets() throws -> Int {
    (try libvirt.monitor(name, "query-fdsets") as? [Any] ?? []).count
  }

  /// Exports over NBD, ours or not.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func exports() throws -> [String] {
    let exports = try libvirt.monitor(name, "query-block-exports") as? [[String: Any]] ?? []
    return exports.compactMap { $0["id"] as? String }
  }

  /// Objects of QEMU's whose names are ours.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func ourObjects() throws -> [String] {
    let objects = try libvirt.monitor(name, "qom-list", "{\"path\": \"/objects\"}")
    return (objects as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
      .filter(Self.isOurs)
  }

  /// Whether an NBD server listens: a second one is refused.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func hasServer() throws -> Bool {
    let path = "\(directory)/probe.sock"
    let address = "{\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"\(path)\"}}}"
    do {
      try libvirt.monitor(name, "nbd-server-start", address)
    } catch let error as CommandError where error.description.contains("already running") {
      return true
    } catch let error as CommandError where error.description.contains("Permission denied") {
      return false
    }
    try libvirt.monitor(name, "nbd-server-stop")
    return false
  }

  /// Everything ours in the domain but its bitmaps, which may stay: empty when all is taken down.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func leftovers() throws -> [String] {
    // libvirt opens the file of the console.
    let otherSets = linux == nil ? 0 : 1
    return try ourNodes() + jobs() + exports() + ourObjects()
      + (descriptorSets() == otherSets ? [] : ["descriptor sets"])
  }

  private func nodes() throws -> [[String: Any]] {
    try libvirt.monitor(name, "query-named-block-nodes", "{\"flat\": true}")
      as? [[String: Any]] ?? []
  }

  private static func isOurs(_ name: String) -> Bool {
    name.hasPrefix("vb-") || name.hasPrefix("virsh-backup")
  }
}
