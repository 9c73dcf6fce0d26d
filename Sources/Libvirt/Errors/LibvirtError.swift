// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// What libvirt says went wrong.
///
/// Match it by code: `catch where error.code == .noDomain`.
package struct LibvirtError: Error, Sendable, Equatable {
  /// How serious an error is (`virErrorLevel`).
  package enum Level: Int32, Sendable {
    /// No error.
    case none
    /// A warning.
    case warning
    /// An error.
    case error
  }

  /// What kind of error it is.
  package var code: Code
  /// The part of libvirt that raised it (`virErrorDomain`).
  package var domain: Int32
  /// How serious it is.
  package var level: Level
  /// libvirt's text, in the language of the locale.
  package var message: String

  /// Makes an error.
  package init(code: Code, domain: Int32 = 0, level: Level = .error, message: String) {
    self.code = code
    self.domain = domain
    self.level = level
    self.message = message
  }

  /// Copies the error that the last libvirt call of this thread left.
  ///
  /// To be called before any other libvirt call, on the thread that saw the call fail. The
  /// corresponding libvirt function is `virGetLastError`.
  ///
  /// - Parameter function: The libvirt function that failed, for the text when libvirt left none.
  init(lastErrorOf function: StaticString) {
    guard let last = unsafe virGetLastError() else {
      self.init(
        code: .internalError, message: "\(function) failed but libvirt did not say why")
      return
    }
    let error = unsafe last.pointee
    let message = unsafe error.message.map { unsafe String(cString: $0) }
    self.init(
      code: Code(rawValue: unsafe error.code), domain: unsafe error.domain,
      level: Level(rawValue: Int32(unsafe error.level.rawValue)) ?? .error,
      message: message ?? "\(function) failed but libvirt did not say why")
  }
}

extension LibvirtError: CustomStringConvertible {
  /// libvirt's text.
  package var description: String { message }
}
