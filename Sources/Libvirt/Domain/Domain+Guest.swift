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

  /// A subject on which a guest's agent tells something (`virDomainGuestInfoTypes`).
  package enum GuestInformation: UInt32, CaseIterable, Sendable {
    /// Its operating system: `os.pretty-name`.
    case operatingSystem = 2
    /// Its name: `hostname`.
    case hostName = 8
    /// Its file systems: `fs.0.mountpoint`.
    case fileSystems = 16
  }

  /// What the guest's agent tells on a subject, by libvirt's names.
  ///
  /// The corresponding libvirt function is `virDomainGetGuestInfo`.
  ///
  /// - Parameter subject: The subject.
  /// - Returns: What it tells.
  /// - Throws: ``LibvirtError``, of the code `.agentUnresponsive` where no agent answers; of others
  ///   where it knows nothing of the subject.
  package func guestInformation(
    on subject: GuestInformation
  ) throws(LibvirtError) -> [String: String] {
    var parameters: virTypedParameterPtr?
    var count: Int32 = 0
    try checking("virDomainGetGuestInfo", detail: name) {
      unsafe virDomainGetGuestInfo(handle, subject.rawValue, &parameters, &count, 0)
    }
    defer { unsafe virTypedParamsFree(parameters, count) }
    return unsafe UnsafeBufferPointer(start: parameters, count: Int(count)).reduce(into: [:]) {
      values, parameter in
      unsafe values[Domain.name(of: parameter)] = Domain.text(of: parameter)
    }
  }

  private static func name(of parameter: virTypedParameter) -> String {
    unsafe withUnsafeBytes(of: parameter.field) {
      unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private static func text(of parameter: virTypedParameter) -> String? {
    let value = unsafe parameter.value
    return switch unsafe virTypedParameterType(UInt32(parameter.type)) {
    case VIR_TYPED_PARAM_INT: unsafe String(value.i)
    case VIR_TYPED_PARAM_UINT: unsafe String(value.ui)
    case VIR_TYPED_PARAM_LLONG: unsafe String(value.l)
    case VIR_TYPED_PARAM_ULLONG: unsafe String(value.ul)
    case VIR_TYPED_PARAM_DOUBLE: unsafe String(value.d)
    case VIR_TYPED_PARAM_BOOLEAN: unsafe value.b == 0 ? "no" : "yes"
    case VIR_TYPED_PARAM_STRING: unsafe value.s.map { unsafe String(cString: $0) }
    default: nil
    }
  }
}
