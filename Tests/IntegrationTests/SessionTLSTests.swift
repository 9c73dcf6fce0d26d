// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Sessions over TLS.
struct SessionTLSTests {
  @Test(arguments: LibvirtMode.available)
  func `clients with a certificate of the authority read, and no others`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let ours = try Authority("ours", in: scene.domain.directory)
    let foreign = try Authority("foreign", in: scene.domain.directory)
    let server = try ours.issue("server", to: scene.libvirt.uid)
    try scene.domain.write("vda", "write -P 0x41 1M 1M")
    let references = try scene.domain.save()
    for place in [["--port", "0"], ["--address", "0.0.0.0"]] {
      let session = try scene.startSession(
        "s", arguments: place + ["--tls", "--tls-dir", server])
      let address = try session.disk("vda").uri
        .replacing("0.0.0.0", with: "127.0.0.1")
      #expect(address.hasPrefix("nbds://127.0.0.1:"))
      func read(_ uri: String) throws -> CommandResult {
        try scene.libvirt.runReader("nbdinfo", ["--size", uri])
      }
      func read(with directory: String) throws -> CommandResult {
        try read("\(address)?tls-certificates=\(directory)")
      }
      let client = try ours.issue("client")
      #expect(try read(with: client).expectSuccess().stdout == "8388608\n")
      let copy = "\(scene.domain.directory)/copy"
      try scene.libvirt.runReader(
        "nbdcopy", ["\(address)?tls-certificates=\(client)", copy]
      ).expectSuccess()
      #expect(try references["vda"]?.difference(from: copy, format: .raw) == nil)

      #expect(try read(with: foreign.issue("client", trusting: ours)).status != 0)
      #expect(try read(with: ours.issueNothing()).status != 0)
      #expect(try read(address.replacing("nbds:", with: "nbd:")).status != 0)
      // And a client does not take another server for this one.
      #expect(try read(with: ours.issue("client", trusting: foreign)).status != 0)
      try scene.finishSession("--forget")
      try scene.expectNoSessions()
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `certificates that are no server's are refused, and nothing is left`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let authority = try Authority("ours", in: scene.domain.directory)
    let directory = try authority.issue("server", to: scene.libvirt.uid)
    try "no certificate".write(
      toFile: "\(directory)/server-cert.pem", atomically: false, encoding: .utf8)
    try scene.expectNoSession("cert", "--tls", "--tls-dir", directory)
    try FileManager.default.removeItem(atPath: "\(directory)/server-cert.pem")
    try scene.expectNoSession("cert", "--tls", "--tls-dir", directory)
    #expect(try scene.domain.ourBitmaps() == [])
  }
}

/// A certificate authority.
private struct Authority {
  let directory: String

  /// Makes one.
  init(_ name: String, in directory: String) throws {
    self.directory = "\(directory)/\(name)"
    try FileManager.default.createDirectory(
      atPath: self.directory, withIntermediateDirectories: true)
    try openssl(
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
      "-keyout", "key.pem", "-out", "cert.pem", "-addext", "basicConstraints=critical,CA:TRUE",
      "-addext", "keyUsage=critical,keyCertSign")
  }

  private func openssl(_ arguments: String...) throws {
    try Command.run("openssl", arguments, directory: directory).expectSuccess()
  }

  /// Makes a certificate in a directory of its own, named as QEMU and libnbd want.
  ///
  /// - Parameters:
  ///   - role: `server` or `client`.
  ///   - other: The authority its holder expects of the other side; nil for this one.
  ///   - owner: The user who reads it.
  /// - Returns: The directory.
  /// - Throws: `CommandError` when it cannot be made.
  func issue(
    _ role: String, trusting other: Authority? = nil, to owner: uid_t? = nil
  ) throws -> String {
    let place = "\(directory)/\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try openssl(
      "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(role)", "-keyout",
      "\(place)/\(role)-key.pem", "-out", "request.pem")
    try """
    subjectAltName=IP:127.0.0.1,DNS:localhost
    keyUsage=critical,digitalSignature,keyEncipherment
    extendedKeyUsage=\(role)Auth
    """.write(toFile: "\(directory)/extensions", atomically: false, encoding: .utf8)
    try openssl(
      "x509", "-req", "-in", "request.pem", "-CA", "cert.pem", "-CAkey", "key.pem",
      "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out",
      "\(place)/\(role)-cert.pem")
    try Command.run(
      "cp", ["\((other ?? self).directory)/cert.pem", "\(place)/ca-cert.pem"]
    ).expectSuccess()
    if let owner, getuid() == 0 {
      try Command.run("chown", ["-R", "\(owner)", place]).expectSuccess()
    }
    return place
  }

  /// A client's directory with the authority's certificate alone.
  func issueNothing() throws -> String {
    let place = try issue("client")
    for file in ["client-cert.pem", "client-key.pem"] {
      try FileManager.default.removeItem(atPath: "\(place)/\(file)")
    }
    return place
  }
}
