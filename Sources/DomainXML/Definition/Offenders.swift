// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension DomainDefinition {
  /// Lists what a definition of an untrusted manifest must not have.
  ///
  /// Whatever reaches the host beyond an ordinary guest is an offender: another emulator, a QEMU
  /// command line, host devices, file systems, host files, unknown devices. The list is one of what
  /// is allowed, so that later inventions of libvirt offend until they are known to be harmless.
  ///
  /// - Parameters:
  ///   - text: the recorded definition, before it is rewritten.
  ///   - restoredDisks: targets of the disks whose sources will be replaced.
  ///   - restoredNVRAM: path of the NVRAM that will be made; nil for none.
  ///   - emulators: the emulators that may be named.
  /// - Returns: a line for people on each offender; empty where there is none.
  /// - Throws: `DomainXMLError` where the text is no definition.
  package static func offenders(
    in text: String, restoring restoredDisks: Set<String>, restoredNVRAM: String? = nil,
    emulators: Set<String>
  ) throws(DomainXMLError) -> [String] {
    let root = try XMLElement(parsing: text)
    let definition = try DomainDefinition(root)
    var search = OffenderSearch(
      domainName: definition.name, restoredDisks: restoredDisks, restoredNVRAM: restoredNVRAM,
      emulators: emulators)
    search.search(root)
    return search.offenders
  }
}
