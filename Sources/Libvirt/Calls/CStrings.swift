// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Lends an array of texts to C.
///
/// - Parameters:
///   - texts: The texts.
///   - body: Gets the array; nil when there are no texts, which is how libvirt wants it.
/// - Returns: What the body returned.
func withCStrings<Value>(
  _ texts: [String], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>?) -> Value
) -> Value {
  if texts.isEmpty { return body(nil) }
  let copies = unsafe texts.map { unsafe strdup($0) }
  defer { unsafe copies.forEach { unsafe free($0) } }
  var pointers = unsafe copies.map { unsafe UnsafePointer($0) }
  return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress) }
}

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
