// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Reads a UUID that libvirt writes into a buffer.
///
/// - Parameter body: Gets the buffer.
/// - Returns: The UUID as text, lower case; empty when the body failed.
func readingUUID(_ body: (UnsafeMutablePointer<CChar>) -> Int32) -> String {
  // VIR_UUID_STRING_BUFLEN: 36 characters and the terminator.
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 37) { buffer in
    guard let start = buffer.baseAddress else { return "" }
    unsafe start.initialize(repeating: 0, count: 37)
    return unsafe body(start) < 0 ? "" : unsafe String(cString: start)
  }
}
