// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The names that points and sessions get where the user gives none.
package enum PointName {
  /// A name made of the time, with a number where several are made in one second.
  package static func ofTime(_ time: Int64, isFree: (String) -> Bool) -> String {
    let stamp = UTCTime(secondsSince1970: time).compact
    var name = stamp
    var number = 2
    while !isFree(name) {
      name = "\(stamp)-\(number)"
      number += 1
    }
    return name
  }
}
