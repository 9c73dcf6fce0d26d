// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Manifest {
  /// Names of the volumes that belong to the point.
  package var volumeNames: VolumeNames {
    VolumeNames(domain: domainName, uuid: domainUUID, point: name)
  }
}
