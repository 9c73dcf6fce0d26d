// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Vsh

extension BackupListing {
  /// The points of each domain below its name, each below the one it stands on, with their times.
  var tree: Tree? {
    let isOfSeveralPools = Set(entries.map(\.pool)).count > 1
    let headings = entries.map {
      isOfSeveralPools ? "\(title(of: $0)) in pool \($0.pool)" : title(of: $0)
    }
    var nodes: [Tree.Node] = []
    /// Indexes of the nodes that name the domains, by their headings.
    var roots: [String: Int] = [:]
    for heading in headings where roots[heading] == nil {
      roots[heading] = nodes.count
      nodes.append(Tree.Node(name: heading, parent: nil))
    }
    var places: [String: Int] = [:]
    for (number, entry) in entries.enumerated() {
      guard let uuid = entry.point?.manifest.uuid else { continue }
      places["\(entry.pool)/\(uuid)"] = nodes.count + number
    }
    for (entry, heading) in zip(entries, headings) {
      let parent = entry.point?.manifest.parent.flatMap { places["\(entry.pool)/\($0)"] }
      let time = entry.time.map { "  " + Timestamp.local(seconds: $0) } ?? ""
      nodes.append(Tree.Node(name: entry.name + time, parent: parent ?? roots[heading]))
    }
    return Tree(nodes: nodes)
  }
}
