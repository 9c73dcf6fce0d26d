// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// The titles of domains in lists: the name, with the UUID where several domains have that name.
struct DomainTitles {
  /// The UUIDs that a name stands for.
  private var uuids: [String: Set<String>] = [:]

  /// Finds out which names stand for several of the domains of these points.
  init(_ manifests: [Manifest]) {
    for manifest in manifests {
      uuids[manifest.domainName, default: []].insert(manifest.domainUUID)
    }
  }

  /// Returns the title of the domain that a point belongs to.
  func title(of manifest: Manifest) -> String {
    title(manifest.domainName, manifest.domainUUID)
  }

  /// Returns the title of the domain with that name and UUID.
  func title(_ name: String, _ uuid: String) -> String {
    uuids[name]?.count ?? 0 > 1 ? "\(name) (\(uuid))" : name
  }
}
