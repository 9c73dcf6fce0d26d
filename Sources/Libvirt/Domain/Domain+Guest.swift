// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// Freezes file systems of the guest through its agent.
  ///
  /// The corresponding libvirt function is `virDomainFSFreeze`.
  ///
  /// - Parameter mountPoints: Which of them; all when empty.
  /// - Returns: How many were frozen.
  /// - Throws: ``LibvirtError``, of the code `.agentUnresponsive` where no agent answers,
  ///   `.argumentUnsupported` or `.configUnsupported` where the domain has no channel for one.
  @discardableResult
  package func fsFreeze(mountPoints: [String] = []) throws(LibvirtError) -> Int {
    try counting("virDomainFSFreeze", detail: name) {
      unsafe withCStrings(mountPoints) {
        unsafe virDomainFSFreeze(handle, $0, UInt32(mountPoints.count), 0)
      }
    }
  }

  /// Lets the file systems of the guest go on.
  ///
  /// The corresponding libvirt function is `virDomainFSThaw`.
  ///
  /// - Parameter mountPoints: Which of them; all when empty.
  /// - Returns: How many were thawed.
  /// - Throws: ``LibvirtError``, of the code `.agentUnresponsive` where no agent answers,
  ///   `.operationInvalid` where the domain is paused.
  @discardableResult
  package func fsThaw(mountPoints: [String] = []) throws(LibvirtError) -> Int {
    try counting("virDomainFSThaw", detail: name) {
      unsafe withCStrings(mountPoints) {
        unsafe virDomainFSThaw(handle, $0, UInt32(mountPoints.count), 0)
      }
    }
  }
}
