// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import Glibc

/// A thread beside the main one that no signal reaches: signals have to interrupt the main thread's
/// waiting.
package enum QuietThread {
  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a thread (`pthread_create`).
  ///
  /// - Parameter body: The thread's work.
  /// - Returns: The thread, to be joined or detached; nil where the system has none, with the reason in
  ///   `errno`.
  package static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
    var everything = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everything)
    unsafe pthread_sigmask(SIG_SETMASK, &everything, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    let work = unsafe Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        }
        return nil
      }, work.toOpaque())
    guard result == 0 else {
      unsafe work.release()
      errno = result
      return nil
    }
    return thread
  }
}
