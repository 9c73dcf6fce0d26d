// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

extension Catalog {
  /// Finds a point and all that it stands on by any disk, the oldest first.
  ///
  /// - Parameter uuid: The point.
  /// - Returns: The points; none where there is no such point.
  package func lineage(of uuid: String) -> [Point] {
    var found: Set<String> = []
    var open = [uuid]
    var lineage: [Point] = []
    while let next = open.popLast() {
      guard found.insert(next).inserted, let point = self.point(uuid: next) else { continue }
      lineage.append(point)
      open += point.manifest.disks.compactMap(\.parent)
    }
    return lineage.sorted { $0.manifest.sequence < $1.manifest.sequence }
  }
}
