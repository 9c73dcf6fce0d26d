// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// How far a block job of libvirt's is (`virDomainBlockJobInfo`).
  package struct BlockJobInfo: Sendable, Equatable {
    /// Bytes per second it may copy; 0 for no limit.
    package var bandwidth: UInt64
    /// How far it has come, in the unit of ``end``.
    package var current: UInt64
    /// How far it has to go; it may still grow.
    package var end: UInt64

    /// Makes the description of a job.
    package init(bandwidth: UInt64, current: UInt64, end: UInt64) {
      self.bandwidth = bandwidth
      self.current = current
      self.end = end
    }
  }

  /// Starts to copy into a disk's active image what it reads from its backing files, which it does
  /// not have any more in the end.
  ///
  /// The corresponding libvirt function is `virDomainBlockPull`.
  ///
  /// - Parameters:
  ///   - disk: The target name, `vda`.
  ///   - bandwidth: Bytes per second; 0 for no limit.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the domain is shut off.
  package func blockPull(disk: String, bandwidth: UInt64) throws(LibvirtError) {
    try checking("virDomainBlockPull", detail: name) {
      unsafe virDomainBlockPull(
        handle, disk, UInt(bandwidth), VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES.rawValue)
    }
  }

  /// Tells how far the block job of a disk is.
  ///
  /// The corresponding libvirt function is `virDomainGetBlockJobInfo`.
  ///
  /// - Parameter disk: The target name, `vda`.
  /// - Returns: How far; nil where the disk has no job that libvirt knows of.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the domain is shut off.
  package func blockJobInfo(disk: String) throws(LibvirtError) -> BlockJobInfo? {
    var info = virDomainBlockJobInfo()
    let found = try counting("virDomainGetBlockJobInfo", detail: name) {
      unsafe virDomainGetBlockJobInfo(
        handle, disk, &info, VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES.rawValue)
    }
    guard found == 1 else { return nil }
    return BlockJobInfo(bandwidth: UInt64(info.bandwidth), current: info.cur, end: info.end)
  }

  /// Cancels the block job of a disk and waits until it has ended.
  ///
  /// The corresponding libvirt function is `virDomainBlockJobAbort`.
  ///
  /// - Parameter disk: The target name, `vda`.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the disk has no job.
  package func blockJobAbort(disk: String) throws(LibvirtError) {
    try checking("virDomainBlockJobAbort", detail: name) {
      unsafe virDomainBlockJobAbort(handle, disk, 0)
    }
  }

  /// Limits the block job of a disk.
  ///
  /// The corresponding libvirt function is `virDomainBlockJobSetSpeed`.
  ///
  /// - Parameters:
  ///   - disk: The target name, `vda`.
  ///   - bandwidth: Bytes per second; 0 for no limit.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the disk has no job.
  package func blockJobSetSpeed(disk: String, bandwidth: UInt64) throws(LibvirtError) {
    try checking("virDomainBlockJobSetSpeed", detail: name) {
      unsafe virDomainBlockJobSetSpeed(
        handle, disk, UInt(bandwidth), VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES.rawValue)
    }
  }
}
