// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension BackupDefinition.Encryption {
  /// Reads an `<encryption>` of an image.
  init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    guard try reader.choice("format", of: ["luks"]) != nil else {
      throw reader.invalid("<encryption> has no 'format'")
    }
    namesEngine = try reader.choice("engine", of: ["qemu"]) != nil
    secret = try BackupDefinition.SecretReference(reader.required("secret"))
    let (cipher, generator) = (try reader.element("cipher"), try reader.element("ivgen"))
    try reader.finish()
    guard let cipher, let generator else {
      guard cipher == nil, generator == nil else {
        throw reader.invalid("<encryption> needs both <cipher> and <ivgen>, or neither")
      }
      return
    }
    let names = element.elements.map(\.name)
    guard names.firstIndex(of: "cipher") ?? 0 < names.firstIndex(of: "ivgen") ?? 0 else {
      throw reader.invalid("<ivgen> must follow <cipher>")
    }
    self.cipher = try .init(cipher)
    initializationVector = try .init(generator)
  }
}

extension BackupDefinition.SecretReference {
  /// Reads a `<secret>`.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    guard try reader.choice("type", of: ["passphrase"]) != nil else {
      throw reader.invalid("<secret> has no 'type'")
    }
    switch (reader.attribute("uuid"), reader.attribute("usage")) {
    case (let uuid?, nil):
      guard Syntax.isUUID(uuid) || Syntax.isPlainUUID(uuid) else {
        throw reader.invalid("malformed uuid '\(uuid)' of <secret>")
      }
      self = .uuid(uuid)
    case (nil, let usage?): self = .usage(usage)
    default: throw reader.invalid("<secret> needs one of 'uuid' and 'usage'")
    }
    try reader.finish()
  }
}

extension BackupDefinition.Cipher {
  /// Reads a `<cipher>`.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    name = try reader.required(attribute: "name")
    let text = try reader.required(attribute: "size")
    guard let number = Syntax.number(text).flatMap({ UInt32(exactly: $0) }) else {
      throw reader.invalid("size '\(text)' of <cipher> is not a number")
    }
    size = number
    mode = reader.attribute("mode")
    hash = reader.attribute("hash")
    guard (mode == nil) == (hash == nil) else {
      throw reader.invalid("<cipher> needs both 'mode' and 'hash', or neither")
    }
    try reader.finish()
  }
}

extension BackupDefinition.InitializationVector {
  /// Reads an `<ivgen>`.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    name = try reader.required(attribute: "name")
    hash = reader.attribute("hash")
    try reader.finish()
  }
}
