// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A node to open (`BlockdevOptions`), of the drivers we use.
package struct BlockdevOptions: Sendable, Equatable {
  /// How a file is read and written.
  package enum Access: Sendable, Equatable, CaseIterable {
    /// Past the page cache, through `io_uring`.
    case directIOUring
    /// Past the page cache, through Linux AIO.
    case directNative
    /// Through the page cache, with threads: works everywhere.
    case buffered
  }

  var members: [String: JSONValue]

  /// A file on the hypervisor.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - filename: Absolute path, or `/dev/fdset/N`.
  ///   - isDevice: Whether it is a block device.
  ///   - readOnly: Whether it is opened for reading only.
  ///   - access: How it is read and written.
  /// - Returns: The node.
  package static func file(
    _ nodeName: String, filename: String, isDevice: Bool = false, readOnly: Bool = false,
    access: Access
  ) -> BlockdevOptions {
    var members: [String: JSONValue] = [
      "driver": isDevice ? "host_device" : "file", "node-name": .string(nodeName),
      "filename": .string(filename),
      "read-only": .bool(readOnly), "discard": "unmap",
    ]
    switch access {
    case .directIOUring:
      members["cache"] = ["direct": true]
      members["aio"] = "io_uring"
    case .directNative:
      members["cache"] = ["direct": true]
      members["aio"] = "native"
    case .buffered:
      break
    }
    return BlockdevOptions(members: members)
  }

  /// An image in a file node, without its backing file.
  ///
  /// A backing file is left out on purpose: what we write never depends on it.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - format: `qcow2`, `raw` or `luks`.
  ///   - file: The file node.
  ///   - backing: Node that a qcow2 image stands on all the same: what reads a scratch image finds
  ///     there what was not saved; nil for none.
  ///   - size: Bytes of the file that a raw image is; nil for all.
  ///   - keySecret: Id of the secret with the passphrase of an image that is encrypted (LUKS).
  ///   - access: How the file node was opened.
  /// - Returns: The node.
  package static func image(
    _ nodeName: String, format: String, file: String, backing: String? = nil,
    size: UInt64? = nil, keySecret: String? = nil, access: Access
  ) -> BlockdevOptions {
    var members: [String: JSONValue] = [
      "driver": .string(format), "node-name": .string(nodeName), "file": .string(file),
      "discard": "unmap", "detect-zeroes": "unmap",
    ]
    if format == "qcow2" { members["backing"] = backing.map(JSONValue.string) ?? .null }
    members.encrypt(format: format, keySecret: keySecret)
    if let size { members["size"] = .int(Int64(clamping: size)) }
    if access != .buffered { members["cache"] = ["direct": true] }
    return BlockdevOptions(members: members)
  }

  /// A filter that saves what is about to be overwritten, and passes discards on.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - file: The node whose writes pass through it.
  ///   - target: The scratch node.
  ///   - timeout: Seconds after which a write no longer waits for the scratch; the snapshot is
  ///     then broken, the write is not.
  /// - Returns: The node.
  package static func copyBeforeWrite(
    _ nodeName: String, file: String, target: String, timeout: Int64
  ) -> BlockdevOptions {
    BlockdevOptions(members: [
      "driver": "copy-before-write", "node-name": .string(nodeName), "file": .string(file),
      "target": .string(target), "on-cbw-error": "break-snapshot", "cbw-timeout": .int(timeout),
      "discard": "unmap",
    ])
  }

  /// A node that passes every request on to another, which `blockdev-reopen` can replace.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - file: The node that gets the requests.
  /// - Returns: The node.
  package static func relay(_ nodeName: String, file: String) -> BlockdevOptions {
    BlockdevOptions(members: [
      "driver": "raw", "node-name": .string(nodeName), "file": .string(file), "discard": "unmap",
    ])
  }

  /// The frozen state that a copy-before-write filter keeps, to be read.
  package static func snapshotAccess(_ nodeName: String, file: String) -> BlockdevOptions {
    BlockdevOptions(members: [
      "driver": "snapshot-access", "node-name": .string(nodeName), "file": .string(file),
    ])
  }

  /// The first bytes of another node, to be read only.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - file: The other node.
  ///   - size: How many bytes.
  /// - Returns: The node.
  package static func window(
    _ nodeName: String, file: String, size: UInt64
  ) -> BlockdevOptions {
    BlockdevOptions(members: [
      "driver": "raw", "node-name": .string(nodeName), "file": .string(file), "read-only": true,
      "size": .int(Int64(clamping: size)),
    ])
  }

  /// A node that takes what is written and keeps nothing.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - size: How many bytes it has; nil for QEMU's choice.
  /// - Returns: The node.
  package static func null(_ nodeName: String, size: UInt64? = nil) -> BlockdevOptions {
    var members: [String: JSONValue] = ["driver": "null-co", "node-name": .string(nodeName)]
    if let size { members["size"] = .int(Int64(clamping: size)) }
    return BlockdevOptions(members: members)
  }
}

extension [String: JSONValue] {
  /// Says how an image is decrypted (LUKS); nil for one that is not encrypted.
  mutating func encrypt(format: String, keySecret: String?) {
    guard let keySecret else { return }
    if format == "luks" {
      self["key-secret"] = .string(keySecret)
    } else {
      self["encrypt"] = ["format": "luks", "key-secret": .string(keySecret)]
    }
  }
}
