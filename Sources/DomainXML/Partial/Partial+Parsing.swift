// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// Reads a partial.
  ///
  /// Definitions come in the form that manifests have them in. Whatever this version does not know is
  /// refused, but for elements of the root beside a create, which belong to its manifest.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError`, with the reason `newerVersion` where the document is of a later
  ///   version.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    var outer = try Manifest.reader(of: root)
    guard let element = try outer.element("operation") else {
      throw .invalid("the document describes no operation")
    }
    var reader = try ElementReader(element)
    let type = try reader.required(attribute: "type")
    let inherited = root.declarations + element.declarations
    let operation: Operation
    switch type {
    case "create":
      let create = try reader.required("create")
      operation = try Self.create(create, manifest: Manifest(root, &outer))
    case "restore":
      try outer.finish()
      operation = .restore(try Restore(reader.required("restore"), inherited))
    case "live":
      try outer.finish()
      operation = .live(try LiveRestore(reader.required("live")))
    case "delete":
      try outer.finish()
      operation = .delete(try Delete(reader.required("delete"), inherited))
    case "session":
      try outer.finish()
      operation = .session(try Session(reader.required("session")))
    case "verify":
      try outer.finish()
      operation = .verify(try Verify(reader.required("verify")))
    default: throw .invalid("unknown operation '\(type)'")
    }
    let hostUUID = try reader.required(text: "hostUUID").lowercased()
    var host = HostIdentity(uuid: hostUUID)
    if let element = try reader.element("host") {
      host = try HostIdentity(element, uuid: hostUUID)
    }
    self.init(
      uuid: try reader.required(text: "uuid").lowercased(),
      pointName: try reader.required(text: "pointName"),
      domainName: try reader.required(text: "domainName"),
      domainUUID: try reader.required(text: "domainUUID").lowercased(),
      host: host,
      owner: try Self.owner(reader.required("owner")),
      creationTime: Int64(
        try Manifest.number(reader.required(text: "creationTime"), "creationTime")),
      helper: try reader.text("helper"), operation: operation)
    try reader.finish()
    try validate()
  }

  private static func owner(_ element: XMLElement) throws(DomainXMLError) -> Owner {
    var reader = try ElementReader(element)
    let pid = try Manifest.number(reader.required(attribute: "pid"), "pid")
    guard let pid = Int32(exactly: pid) else { throw .invalid("'pid' is not a number in range") }
    let namespace = reader.attribute("pidNamespace")
    let owner = Owner(
      host: try reader.required(attribute: "host"),
      bootID: try reader.required(attribute: "bootID").lowercased(), pid: pid,
      startTime: try Manifest.number(reader.required(attribute: "startTime"), "startTime"),
      pidNamespace: namespace == nil
        ? nil : try Manifest.number(namespace ?? "", "pidNamespace"))
    try reader.finish()
    return owner
  }

  private static func create(
    _ element: XMLElement, manifest: Manifest
  ) throws(DomainXMLError) -> Operation {
    var reader = try ElementReader(element)
    var disks: [CreateDisk] = []
    for element in reader.all("disk") {
      var disk = try ElementReader(element)
      disks.append(
        CreateDisk(
          name: try disk.required(attribute: "name"),
          scratchVolume: disk.attribute("scratchVolume"),
          scratchDirectory: disk.attribute("scratchDirectory"),
          node: try disk.required(attribute: "node"),
          device: try disk.required(attribute: "device"),
          target: try disk.element("target").map(CopyTarget.init)))
      try disk.finish()
    }
    let operation = Operation.create(
      manifest: manifest, disks: disks, isSuspended: try reader.flag("suspended"),
      isFrozen: try reader.flag("frozen"))
    try reader.finish()
    return operation
  }
}

extension Partial.CopyTarget {
  /// Reads the `<target>` of a disk.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    let word = try reader.choice("type", of: ["file", "block"])
    guard let type = word.flatMap(BackupDefinition.StoreType.init) else {
      throw reader.invalid("<target> has no 'type'")
    }
    self.init(
      type: type, path: try reader.required(attribute: "path"),
      format: try reader.required(attribute: "format"), isEncrypted: try reader.flag("encrypted"))
    try reader.finish()
  }
}
