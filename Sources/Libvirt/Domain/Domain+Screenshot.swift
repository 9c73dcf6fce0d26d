// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt
import Glibc

extension Domain {
  /// Takes a picture of what a screen of the domain shows.
  ///
  /// The corresponding libvirt function is `virDomainScreenshot`.
  ///
  /// - Parameter screen: The screen's number.
  /// - Returns: The MIME type, `image/png` or `image/x-portable-pixmap`, and the image.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the domain does not run or has no
  ///   such screen.
  package func screenshot(screen: UInt32 = 0) throws(LibvirtError) -> (type: String, image: [UInt8])
  {
    let stream = try Stream(connection: connection)
    let type = try unsafe takingString("virDomainScreenshot", detail: name) {
      unsafe virDomainScreenshot(handle, stream.handle, screen, 0)
    }
    let image = try stream.receiveAll(limit: .max)
    try stream.finish()
    return (type, image)
  }
}
