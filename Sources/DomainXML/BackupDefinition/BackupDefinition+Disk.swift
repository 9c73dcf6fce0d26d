// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension BackupDefinition.Disk {
  /// Reads a `<disk>`.
  init(_ element: XMLElement, _ mode: BackupDefinition.Mode) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    guard let name = reader.attribute("name") else {
      throw reader.invalid("missing name from disk backup element")
    }
    guard Syntax.isDiskTarget(name) else {
      throw reader.invalid("'\(name)' cannot be the target name of a disk")
    }
    self.init(name: name)
    isIncluded = try reader.choice("backup", of: ["yes", "no"]) != "no"
    self.mode = try reader.choice("backupmode", of: ["full", "incremental"])
      .flatMap(BackupDefinition.DiskMode.init)
    incremental = reader.attribute("incremental")
    guard self.mode != .full || incremental == nil else {
      throw reader.invalid("disk '\(name)' is backed up in full and has 'incremental'")
    }
    try readExport(from: &reader, mode)
    guard isIncluded else {
      guard element["type"] == nil, reader.elements.isEmpty else {
        throw reader.invalid("disk '\(name)' is left out and has more than its name")
      }
      try reader.finish()
      self = Self(name: name, isIncluded: false)
      return
    }
    type =
      try reader.choice("type", of: ["file", "block"])
      .flatMap(BackupDefinition.StoreType.init) ?? .file
    try readStore(from: &reader, mode)
    try reader.finish()
  }

  private mutating func readExport(
    from reader: inout ElementReader, _ mode: BackupDefinition.Mode
  ) throws(DomainXMLError) {
    exportName = reader.attribute("exportname")
    exportBitmap = reader.attribute("exportbitmap")
    guard mode == .pull || (exportName == nil && exportBitmap == nil) else {
      throw reader.invalid("an export of disk '\(name)' requires pull mode backup")
    }
  }

  private mutating func readStore(
    from reader: inout ElementReader, _ mode: BackupDefinition.Mode
  ) throws(DomainXMLError) {
    let (word, other) = mode == .push ? ("target", "scratch") : ("scratch", "target")
    guard try reader.element(other) == nil else {
      throw reader.invalid(
        "disk '\(name)' has a <\(other)>; \(mode.rawValue) mode backup has a <\(word)>")
    }
    if let element = try reader.element(word) {
      store = try BackupDefinition.Store(element, type)
    } else if mode == .pull, type == .block {
      throw reader.invalid("disk '\(name)' of type 'block' has no <scratch>")
    }
    guard let driver = try reader.element("driver") else { return }
    var inner = try ElementReader(driver)
    format = try inner.required(attribute: "type")
    if mode == .pull {
      guard format == "qcow2" else {
        throw inner.invalid("pull mode backup for disk '\(name)' requires qcow2 driver")
      }
      guard store != nil else { throw inner.invalid("disk '\(name)' has a <driver>, no <scratch>") }
    } else if !Syntax.imageFormats.contains(format ?? "") {
      throw inner.invalid("unknown format '\(format ?? "")' of <driver>")
    }
    try inner.finish()
  }
}

extension BackupDefinition.Store {
  /// Reads a `<target>` or `<scratch>`.
  fileprivate init(
    _ element: XMLElement, _ type: BackupDefinition.StoreType
  ) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    path = try reader.required(attribute: type == .file ? "file" : "dev")
    guard Syntax.isSchemaPath(path) else {
      throw reader.invalid("path '\(path)' of <\(element.name)> is not absolute")
    }
    for element in reader.all("seclabel") {
      securityLabels.append(try BackupDefinition.SecurityLabel(element))
    }
    encryption = try reader.element("encryption").map(BackupDefinition.Encryption.init)
    try reader.finish()
  }
}

extension BackupDefinition.SecurityLabel {
  /// Reads a `<seclabel>` of an image.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    let model = reader.attribute("model")
    let relabel = try reader.choice("relabel", of: ["yes", "no"])
    let skip = try reader.choice("labelskip", of: ["yes"])
    var labels: [String] = []
    for label in reader.all("label") {
      guard label.attributes.isEmpty, label.elements.isEmpty else {
        throw .invalid("<label> holds more than text", line: label.place.line)
      }
      labels.append(label.text)
    }
    try reader.finish()
    switch (relabel, skip, labels.isEmpty) {
    case ("no", nil, true): self = .kept(model: model)
    case (nil, "yes", true): self = .skipped(model: model)
    case (nil, nil, false), ("yes", nil, false): self = .given(model: model, labels: labels)
    default:
      throw reader.invalid("<seclabel> needs one of relabel='no', labelskip='yes', a <label>")
    }
  }
}
