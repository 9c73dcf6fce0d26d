// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Waits until one of several descriptors can be read, was closed at the other end, or failed.
///
/// The corresponding system call is `poll`. A signal does not end the wait: a handler that wants
/// that writes to a pipe among the descriptors.
///
/// - Parameters:
///   - descriptors: What to wait for; with none of them only the time passes.
///   - timeoutMilliseconds: How long to wait at most; nil for ever, 0 to look only.
/// - Returns: The descriptors that are ready, in the order given; empty when the time is over.
package func waitUntilReadable(
  _ descriptors: [Int32], timeoutMilliseconds: Int? = nil
) -> [Int32] {
  var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  let deadline = timeoutMilliseconds.map { monotonicMilliseconds() + max(0, $0) }
  while true {
    let left = deadline.map { Int32(clamping: max(0, $0 - monotonicMilliseconds())) } ?? -1
    let count = unsafe poll(&entries, nfds_t(entries.count), left)
    if count > 0 { return entries.filter { $0.revents != 0 }.map(\.fd) }
    if count < 0, errno != EINTR { return [] }
    if let deadline, monotonicMilliseconds() >= deadline { return [] }
  }
}

/// Reads the clock that nobody can set.
///
/// - Returns: Milliseconds since some moment.
func monotonicMilliseconds() -> Int {
  var now = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &now)
  return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
