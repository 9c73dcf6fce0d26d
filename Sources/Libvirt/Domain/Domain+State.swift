// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Domain {
  /// What a domain is doing (`virDomainState`).
  package enum State: Int32, Sendable {
    /// Nobody knows.
    case noState
    /// It runs.
    case running
    /// It waits for a resource.
    case blocked
    /// It is paused.
    case paused
    /// It is being shut down.
    case inShutdown
    /// It is shut off.
    case shutOff
    /// It crashed.
    case crashed
    /// The guest suspended itself to memory.
    case pmSuspended
  }

  /// What kind of libvirt job a domain has (`virDomainJobType`).
  package enum JobType: Int32, Sendable {
    /// None.
    case none
    /// One that ends in a time that can be told.
    case bounded
    /// One that ends in a time that cannot be told.
    case unbounded
    /// One that is complete but not cleaned up.
    case completed
    /// One that failed but is not cleaned up.
    case failed
    /// One that was cancelled but is not cleaned up.
    case cancelled
  }

  /// What the domain is doing, and libvirt's number of the reason, whose meaning depends on the
  /// state.
  ///
  /// The corresponding libvirt function is `virDomainGetState`.
  package var state: (state: State, reason: Int) {
    get throws(LibvirtError) {
      var state: Int32 = 0
      var reason: Int32 = 0
      try checking("virDomainGetState", detail: name) {
        unsafe virDomainGetState(handle, &state, &reason, 0)
      }
      return (State(rawValue: state) ?? .noState, Int(reason))
    }
  }

  /// True when the domain is not shut off.
  ///
  /// The corresponding libvirt function is `virDomainIsActive`.
  package var isActive: Bool {
    get throws(LibvirtError) {
      try counting("virDomainIsActive", detail: name) { unsafe virDomainIsActive(handle) } == 1
    }
  }

  /// True when the domain has a definition that stays.
  ///
  /// The corresponding libvirt function is `virDomainIsPersistent`.
  package var isPersistent: Bool {
    get throws(LibvirtError) {
      try counting("virDomainIsPersistent", detail: name) {
        unsafe virDomainIsPersistent(handle)
      } == 1
    }
  }

  /// True when the domain starts with its host.
  ///
  /// The corresponding libvirt function is `virDomainGetAutostart`.
  package var isAutostart: Bool {
    get throws(LibvirtError) {
      var value: Int32 = 0
      try checking("virDomainGetAutostart", detail: name) {
        unsafe virDomainGetAutostart(handle, &value)
      }
      return value != 0
    }
  }

  /// Says whether the domain starts with its host.
  ///
  /// The corresponding libvirt function is `virDomainSetAutostart`.
  ///
  /// - Parameter isAutostart: Whether it does.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` for a transient domain.
  package func setAutostart(_ isAutostart: Bool) throws(LibvirtError) {
    try checking("virDomainSetAutostart", detail: name) {
      unsafe virDomainSetAutostart(handle, isAutostart ? 1 : 0)
    }
  }

  /// True when the domain was saved by libvirt, to be restored at its next start.
  ///
  /// The corresponding libvirt function is `virDomainHasManagedSaveImage`.
  package var hasManagedSaveImage: Bool {
    get throws(LibvirtError) {
      try counting("virDomainHasManagedSaveImage", detail: name) {
        unsafe virDomainHasManagedSaveImage(handle, 0)
      } == 1
    }
  }

  /// The kind of libvirt job the domain has.
  ///
  /// The corresponding libvirt function is `virDomainGetJobInfo`.
  package var jobType: JobType {
    get throws(LibvirtError) {
      var info = virDomainJobInfo()
      try checking("virDomainGetJobInfo", detail: name) {
        unsafe virDomainGetJobInfo(handle, &info)
      }
      return JobType(rawValue: info.type) ?? .unbounded
    }
  }
}
