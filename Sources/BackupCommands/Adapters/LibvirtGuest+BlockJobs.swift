// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Libvirt

// Block jobs that libvirt itself starts and knows of.
extension LibvirtGuest {
  func pull(_ disk: String, speed: Int64) throws {
    do {
      try domain.blockPull(disk: disk, bandwidth: UInt64(clamping: speed))
    } catch {
      // Another client was faster.
      guard try domain.blockJobInfo(disk: disk) != nil else { throw error }
    }
  }

  func blockJob(of disk: String) throws -> BackupCore.DiskProgress? {
    try domain.blockJobInfo(disk: disk).map {
      .init(disk: disk, done: $0.current, total: $0.end)
    }
  }

  func abortBlockJob(of disk: String) throws {
    do {
      try domain.blockJobAbort(disk: disk)
    } catch {
      guard try domain.isActive, try domain.blockJobInfo(disk: disk) != nil else { return }
      throw error
    }
  }

  func setBlockJobSpeed(of disk: String, to speed: Int64) throws -> Bool {
    do {
      try domain.blockJobSetSpeed(disk: disk, bandwidth: UInt64(clamping: speed))
      return true
    } catch  where error.code == .invalidArg {
      return false
    } catch {
      // It may just have ended.
      guard try domain.blockJobInfo(disk: disk) == nil else { throw error }
      return false
    }
  }

  func awaitBlockJob(timeoutMilliseconds: Int) throws {
    guard let queue = blockJobEvents else {
      // What happened before the registration is unknown: look at once.
      blockJobEvents = try domain.connection.blockJobEvents(of: domain)
      return
    }
    _ = waitUntilReadable(
      [queue.fileDescriptor, interrupt.fileDescriptor], timeoutMilliseconds: timeoutMilliseconds)
    _ = queue.drain()
  }
}
