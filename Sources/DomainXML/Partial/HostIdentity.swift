// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Which libvirt runs something, as far as it can be told from others.
///
/// Its host UUID alone does not tell: boards that are sold by the thousand have the same, cloned
/// machines do, and where libvirt cannot read the board's it makes up another at each start.
package struct HostIdentity: Sendable, Equatable {
  /// `<host><uuid>` of its capabilities, lower case.
  package var uuid: String
  /// Its host name (`virConnectGetHostname`); nil where it is not known.
  package var name: String?
  /// What systemd calls the machine (`/etc/machine-id`); nil where the host is not the client's.
  package var machineID: String?
  /// `/proc/sys/kernel/random/boot_id`; nil where the host is not the client's.
  package var bootID: String?
  /// Which of the daemons of its host it is, by the client's URI and, in session mode, user; nil
  /// where the host is not the client's.
  package var instance: String?

  /// Makes the description of a host.
  package init(
    uuid: String, name: String? = nil, machineID: String? = nil, bootID: String? = nil,
    instance: String? = nil
  ) {
    self.uuid = uuid
    self.name = name
    self.machineID = machineID
    self.bootID = bootID
    self.instance = instance
  }

  /// The same without what changes when the machine is started again, or is of one daemon.
  package var withoutBoot: HostIdentity {
    HostIdentity(uuid: uuid, name: name, machineID: machineID)
  }

  /// What people call it.
  package var title: String { name ?? uuid }

  /// Whether this, written down by a client some time ago, is the same libvirt as another.
  ///
  /// - Parameters:
  ///   - here: The libvirt that is asked now.
  ///   - sharesProcesses: Whether that client was in the PID namespace that ours is in; nil where that
  ///     is not known.
  ///   - precedesBoot: Whether it was written down before our machine was started; nil where that is
  ///     not known.
  /// - Returns: False where it may be another: then nothing of it is touched.
  package func isSame(
    as here: HostIdentity, sharesProcesses: Bool?, precedesBoot: Bool?
  ) -> Bool {
    guard let bootID, let hereBootID = here.bootID else {
      return uuid == here.uuid && hasName(of: here)
    }
    guard bootID != hereBootID else {
      // Containers of one machine share its boot, and its board.
      if uuid == here.uuid { return hasName(of: here) || sharesProcesses == true }
      return hasName(of: here) && instance != nil && instance == here.instance
        && sharesProcesses == true
    }
    // The same host started again, or its clone, which may run what we would take for lost.
    guard hasName(of: here), isOfMachine(here), precedesBoot != false else { return false }
    return uuid == here.uuid
      || machineID != nil && machineID == here.machineID && instance == here.instance
  }

  /// Whether something that stays, a backup, was made on the same host.
  ///
  /// - Parameter here: The libvirt that is asked now.
  /// - Returns: False where it may be another.
  package func isHost(_ here: HostIdentity) -> Bool {
    hasName(of: here) && isOfMachine(here)
      && (uuid == here.uuid || machineID != nil && machineID == here.machineID)
  }

  /// Names agree where one is not known, and where one has the domain and the other has not.
  private func hasName(of other: HostIdentity) -> Bool {
    guard let name, let otherName = other.name, name != otherName else { return true }
    return name.hasPrefix(otherName + ".") || otherName.hasPrefix(name + ".")
  }

  private func isOfMachine(_ other: HostIdentity) -> Bool {
    guard let machineID, let otherID = other.machineID else { return true }
    return machineID == otherID
  }
}

extension HostIdentity {
  /// Reads the `<host>` of a manifest or partial.
  init(_ element: XMLElement, uuid: String? = nil) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    let ownUUID = reader.attribute("uuid")
    guard let uuid = uuid ?? ownUUID else { throw reader.invalid("<host> has no 'uuid'") }
    self.init(
      uuid: uuid.lowercased(), name: reader.attribute("name"),
      machineID: reader.attribute("machineID"), bootID: reader.attribute("bootID")?.lowercased(),
      instance: reader.attribute("instance"))
    try reader.finish()
    guard Syntax.isUUID(self.uuid), bootID.map(Syntax.isUUID) ?? true else {
      throw .invalid("the host has an impossible UUID")
    }
    for text in [name, machineID, instance].compactMap(\.self) {
      guard Syntax.isPlainText(text, atMost: 1024) else {
        throw .invalid("the host has an impossible name")
      }
    }
  }

  /// The `<host>` of a manifest: what stays true when the machine is started again.
  var xmlElement: XMLElement {
    XMLElement("host", ["uuid": uuid, "name": name, "machineID": machineID])
  }

  /// The `<host>` of a partial, whose UUID is written beside it; nil where no more is known.
  var detailElement: XMLElement? {
    if name == nil, machineID == nil, bootID == nil, instance == nil { return nil }
    return XMLElement(
      "host", ["name": name, "machineID": machineID, "bootID": bootID, "instance": instance])
  }
}
