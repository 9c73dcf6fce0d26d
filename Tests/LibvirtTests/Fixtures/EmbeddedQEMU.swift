// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Libvirt
import Testing

/// Real guests of libvirt's QEMU driver inside a process, which has one directory for all of them:
/// each test that uses it is a process of its own.
enum EmbeddedQEMU {
  /// A guest without devices.
  static let domainXML = """
    <domain type='qemu'>
      <name>web1</name>
      <memory unit='MiB'>1</memory>
      <os><type arch='x86_64' machine='q35'>hvm</type></os>
      <devices>
        <emulator>\(emulator)</emulator>
        <controller type='usb' model='none'/>
        <memballoon model='none'/>
      </devices>
    </domain>
    """

  /// True where QEMU and its driver are there.
  static var isAvailable: Bool {
    let directories = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
    return FileManager.default.isExecutableFile(atPath: emulator)
      && directories.contains {
        FileManager.default.fileExists(
          atPath: "\($0)/libvirt/connection-driver/libvirt_driver_qemu.so")
      }
  }

  private static let emulator = "/usr/bin/qemu-system-x86_64"

  /// Prepares a directory for ``withGuest(in:_:)``.
  ///
  /// - Parameter directory: The directory.
  static func prepare(_ directory: String) {
    if getuid() == 0 { chown(directory, 65534, 65534) }
  }

  /// Ends a guest whose process died before it could.
  ///
  /// - Parameter directory: The directory it was started in.
  static func cleanUp(_ directory: String) {
    killProcess(in: "\(directory)/run/qemu/web1.pid")
  }

  /// Starts a paused guest without devices, and ends it when the body is done or has failed.
  ///
  /// Makes the process an unprivileged one: as root the driver wants a user for QEMU that not every
  /// machine has. Whatever is thrown is recorded: a process of a test that throws dies in silence.
  ///
  /// - Parameters:
  ///   - directory: A directory that was prepared.
  ///   - body: Gets the connection and the guest.
  static func withGuest(in directory: String, _ body: (Connection, Domain) throws -> Void) {
    do {
      try becomeNobody()
      setenv("HOME", directory, 1)
      let connection = try Connection.open(uri: "qemu:///embed?root=\(directory)")
      let domain = try connection.createDomain(xml: domainXML, flags: .paused)
      defer { try? domain.destroy() }
      try body(connection, domain)
    } catch {
      Issue.record(error)
    }
  }

  /// Gives up being root.
  private static func becomeNobody() throws {
    guard getuid() == 0 else { return }
    guard setgroups(0, nil) == 0, setgid(65534) == 0, setuid(65534) == 0 else {
      throw FixtureError("cannot become nobody: errno \(errno)")
    }
  }
}
