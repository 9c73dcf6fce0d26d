// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

extension Journal {
  /// Deletes partials that were never whole, and marks and claims whose partial is gone.
  ///
  /// The partial is the first thing an operation makes and is read again before the guest is
  /// touched, so that one that loses it stops.
  ///
  /// - Returns: The pool as it was seen last.
  package func removeStumps() throws -> Catalog {
    var catalog = try pool.catalog()
    let stumps = catalog.broken.filter { $0.isPartial }
    if !stumps.isEmpty {
      // The rest of one may be on its way.
      process.pause(300)
      catalog = try pool.catalog()
      for stump in stumps where catalog.broken.contains(stump) && !stump.isNewer {
        // libvirt refuses while its client makes it; what stays is looked at again the next time.
        try? repository.delete(stump.volume)
      }
    }
    for volume in catalog.volumes {
      guard let partial = VolumeNames.partial(ofNote: volume) else { continue }
      guard !catalog.volumes.contains(partial), (try? repository.contains(partial)) == false else {
        continue
      }
      // As above.
      try? repository.delete(volume)
    }
    return catalog
  }
}
