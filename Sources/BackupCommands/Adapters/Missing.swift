// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt

/// Looks something up that may not be there.
///
/// - Parameters:
///   - codes: What libvirt says then.
///   - look: The look-up.
/// - Returns: What was found; nil where libvirt said one of the codes.
/// - Throws: Any other error.
func unless<Result>(
  _ codes: LibvirtError.Code..., look: () throws -> Result
) throws -> Result? {
  do {
    return try look()
  } catch let error as LibvirtError where codes.contains(error.code) {
    return nil
  }
}
