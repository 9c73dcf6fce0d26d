// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt
import Glibc

/// libvirt's event loop: one thread of this process, started once and never stopped.
///
/// Keepalive messages, events and the in-process QEMU driver need it. It has to be there before the
/// first connection is opened, which ``Connection/open(uri:readOnly:)`` takes care of.
package enum EventLoop {
  /// Why it could not be started; nil when it runs.
  ///
  /// Found out once, by the first who asks.
  private static let failure: LibvirtError? = {
    do throws(LibvirtError) {
      try checking("virInitialize", isLocal: true) { virInitialize() }
      unsafe virSetErrorFunc(nil) { _, _ in }
      try checking("virEventRegisterDefaultImpl", isLocal: true) {
        virEventRegisterDefaultImpl()
      }
      try startThread()
      return nil
    } catch {
      return error
    }
  }()

  /// Starts the event loop, unless it runs already.
  ///
  /// Also stops libvirt from printing errors to standard error by itself. The corresponding libvirt
  /// functions are `virInitialize`, `virSetErrorFunc`, `virEventRegisterDefaultImpl` and
  /// `virEventRunDefaultImpl`.
  ///
  /// - Throws: ``LibvirtError`` when libvirt cannot be initialized or there is no thread to be had;
  ///   it is not tried again then.
  package static func start() throws(LibvirtError) {
    if let failure { throw failure }
  }

  /// Starts the thread.
  ///
  /// - Throws: ``LibvirtError`` with the code `.systemError`.
  private static func startThread() throws(LibvirtError) {
    let started = QuietThread.start {
      while true {
        // It fails only where poll(2) does, for want of memory: try again, but not without a pause.
        if virEventRunDefaultImpl() < 0 { usleep(10_000) }
      }
    }
    guard let started else {
      throw LibvirtError(
        code: .systemError,
        message: "cannot start the event loop: \(unsafe String(cString: strerror(errno)))")
    }
    pthread_detach(started)
  }
}
