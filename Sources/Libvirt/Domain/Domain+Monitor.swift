// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt
import Glibc

extension Domain {
  /// Sends a command to the domain's QEMU.
  ///
  /// A reply by which QEMU reports an error is a reply like any other: it has an `error` where
  /// there is a `return` else. The corresponding libvirt functions are
  /// `virDomainQemuMonitorCommand` and `virDomainQemuMonitorCommandWithFiles`.
  ///
  /// - Parameters:
  ///   - json: The command, `{"execute": …}`.
  ///   - descriptors: Descriptors to send with it, which stay open here; local connections only.
  /// - Returns: The reply, JSON.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the domain is shut off,
  ///   `.noSupport` where the driver is not QEMU's, `.operationTimeout` where something else holds
  ///   the domain.
  package func qemuMonitorCommand(
    _ json: String, descriptors: [Int32] = []
  ) throws(LibvirtError) -> String {
    var reply: UnsafeMutablePointer<CChar>?
    defer { unsafe free(reply) }
    if descriptors.isEmpty {
      try checking("virDomainQemuMonitorCommand", detail: commandName(in: json)) {
        unsafe virDomainQemuMonitorCommand(handle, json, &reply, 0)
      }
    } else {
      var descriptors = descriptors
      let count = UInt32(descriptors.count)
      try checking("virDomainQemuMonitorCommandWithFiles", detail: commandName(in: json)) {
        unsafe virDomainQemuMonitorCommandWithFiles(
          handle, json, count, &descriptors, nil, nil, &reply, 0)
      }
    }
    return unsafe reply.map { unsafe String(cString: $0) } ?? ""
  }

  /// Names a command for the trace of a debug build; never called in a release build.
  private func commandName(in json: String) -> String {
    #if DEBUG
      CallTrace.commandName(in: json)
    #else
      ""
    #endif
  }
}
