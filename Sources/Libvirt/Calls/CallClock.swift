// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import Glibc

/// Since when each thread waits for libvirt, for another that ends a wait nobody wants any more.
///
/// libvirt waits for the answer of a QEMU without a limit, and no signal ends that.
package enum CallClock {
  private static let begun = Locked<[pthread_t: Int]>([:])

  /// Tells how long a thread has waited for the call it is in.
  ///
  /// - Parameter thread: The thread (`pthread_self`).
  /// - Returns: Milliseconds; nil between calls.
  package static func waitedMilliseconds(of thread: pthread_t) -> Int? {
    begun.withLock { $0[thread] }.map { monotonicMilliseconds() - $0 }
  }

  /// Notes a call of this thread from its beginning to its return.
  ///
  /// - Parameter call: The call.
  /// - Returns: What the call returned.
  static func noting<Value>(_ call: () -> Value) -> Value {
    let thread = pthread_self()
    begun.withLock { $0[thread] = monotonicMilliseconds() }
    defer { begun.withLock { $0[thread] = nil } }
    return call()
  }
}
