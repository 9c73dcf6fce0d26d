// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a libvirt host says of its domains, whether they run or not, and of their images.
package protocol DomainRegistry: AnyObject {
  /// All domains of the host.
  func domains() throws -> [RegisteredDomain]
  /// Whether the domain is not shut off; one that does not exist is not active
  /// (`virDomainIsActive`).
  func isActive(uuid: String) throws -> Bool
  /// Whether libvirt saved the domain's memory for its next start (`virDomainHasManagedSaveImage`).
  func hasManagedSaveImage(uuid: String) throws -> Bool
  /// The documents of the domain's snapshots and checkpoints.
  func savedInstants(uuid: String) throws -> [String]
  /// Whether the domain starts with its host (`virDomainGetAutostart`); nil where it does not exist
  /// or is transient.
  func isAutostart(uuid: String) throws -> Bool?
  /// Says whether the domain starts with its host (`virDomainSetAutostart`).
  func setAutostart(uuid: String, _ isAutostart: Bool) throws
  /// The backing file of an image, as far as a pool of libvirt tells; nil where none does.
  func backingFile(of path: String) throws -> String?
  /// The volumes of a directory that have backing files, and these.
  func backingFiles(in directory: String) throws -> [(volume: String, file: String)]
  /// A path without links, as far as that can be seen from here.
  func resolved(_ path: String) -> String
  /// Bytes of a block device, as far as it can be opened from here; nil where it cannot.
  func deviceSize(_ path: String) -> UInt64?
  /// Whether a block device is mounted or otherwise taken, as far as that can be seen from here.
  func isTakenDevice(_ path: String) -> Bool
}

/// A domain of the host.
package struct RegisteredDomain: Sendable, Equatable {
  /// Its name.
  package var name: String
  /// Its UUID, lower case.
  package var uuid: String
  /// Its persistent definition and the one it runs with, as far as there are such.
  package var definitions: [String]

  /// Makes the description of a domain.
  package init(name: String, uuid: String, definitions: [String]) {
    self.name = name
    self.uuid = uuid
    self.definitions = definitions
  }
}
