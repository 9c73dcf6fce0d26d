// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// A value that one thread at a time can get at.
///
/// Like `Mutex` of the standard library, but on a lock that ThreadSanitizer knows: it takes what
/// happens under a contended `Mutex` for races, and so could not be used to look for real ones.
@safe
final class Locked<Value: Sendable>: Sendable {
  // Both are made in init and freed in deinit; the value is touched only under the lock.
  nonisolated(unsafe) private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  nonisolated(unsafe) private let value: UnsafeMutablePointer<Value>

  /// Puts a value behind a lock.
  ///
  /// - Parameter value: The value.
  init(_ value: Value) {
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe self.value = .allocate(capacity: 1)
    unsafe self.value.initialize(to: value)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Gets at the value, which no other thread can meanwhile.
  ///
  /// - Parameter body: Reads or changes the value; must not come back here.
  /// - Returns: What the body returned.
  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return unsafe body(&value.pointee)
  }
}
