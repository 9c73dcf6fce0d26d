// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Disks that are encrypted, and copies of them that are or are not.
struct EncryptedDiskTests {
  /// A domain whose disk vda is encrypted, with the secret that libvirt keeps for it.
  private struct EncryptedScene {
    static let passphrase = "not to be seen anywhere"
    let document: DocumentScene
    let uuid: String
    var scene: Scene { document.scene }

    init(_ libvirt: PrivateLibvirt) throws {
      document = try DocumentScene(
        libvirt, disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", size: 1 << 20)],
        start: .off)
      do {
        uuid = try EncryptedScene.secret(document)
        let path = try document.scene.domain.path("vda")
        let options = "encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10"
        // On a busy machine it cannot always measure how long its key takes.
        try eventually("an encrypted image is made") {
          try Command.run(
            "qemu-img",
            ["create", "-q", "-f", "qcow2"] + EncryptedScene.object + ["-o", options, path, "8M"]
          ).status == 0
        }
        // A try that fails takes the file away, and the next one makes it its own.
        try document.scene.libvirt.giveToDaemon(path)
        try document.scene.domain.redefine(replacing: [
          (
            "<source file='\(path)'/>",
            """
            <source file='\(path)'><encryption format='luks'>
            <secret type='passphrase' uuid='\(uuid)'/></encryption></source>
            """
          )
        ])
        try document.scene.domain.start()
      } catch {
        document.remove()
        throw error
      }
    }

    func remove() {
      document.remove()
      _ = try? scene.libvirt.virsh("secret-undefine", uuid)
    }

    private static func secret(_ document: DocumentScene) throws -> String {
      let uuid = UUID().uuidString.lowercased()
      let file = try document.document(
        """
        <secret ephemeral='no' private='no'><uuid>\(uuid)</uuid><usage type='volume'><volume>\(document.directory)</volume>
        </usage></secret>
        """, name: "secret.xml")
      try document.scene.libvirt.virsh("secret-define", file)
      let value = Data(passphrase.utf8).base64EncodedString()
      try document.scene.libvirt.virsh("secret-set-value", uuid, value)
      return uuid
    }

    /// What makes qemu-img know the passphrase as `k`.
    static let object = ["--object", "secret,id=k,data=\(passphrase)"]

    /// The data of an encrypted image as a raw one.
    func decrypted(_ path: String, _ driver: String) throws -> String {
      let key = driver == "luks" ? "key-secret=k" : "encrypt.format=luks,encrypt.key-secret=k"
      let raw = document.path("decrypted")
      try Command.run(
        "qemu-img",
        ["convert"] + Self.object + [
          "--image-opts", "driver=\(driver),file.driver=file,file.filename=\(path),\(key)", "-O",
          "raw",
          raw,
        ]
      ).expectSuccess()
      return raw
    }

    /// A document that encrypts the copy of vda.
    func document(secret: String, format: String = "qcow2", to file: String = "a") -> String {
      """
      <domainbackup><disks><disk name='vda' type='file'><driver type='\(format)'/>
      <target file='@/\(file)'><encryption format='luks'><secret type='passphrase' \(secret)/>
      <cipher name='aes' size='128' mode='xts' hash='sha256'/><ivgen name='plain64'/></encryption>
      </target></disk></disks></domainbackup>
      """
    }

    /// Secrets of ours that QEMU has.
    func secrets() throws -> [String] {
      let objects = try scene.libvirt.monitor(
        scene.domain.name, "qom-list", "{\"path\": \"/objects\"}")
      return (objects as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }.filter {
        $0.hasPrefix("vb-")
      }
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `an encrypted disk is copied to an encrypted image, or in the clear when that is allowed`(
    mode: LibvirtMode
  ) throws {
    let encrypted = try EncryptedScene(PrivateLibvirt.shared(mode))
    let (scene, document) = (encrypted.scene, encrypted.document)
    defer { encrypted.remove() }
    try scene.domain.write("vda", "write -P 0x5a 1M 1M")
    let references = try scene.domain.save()
    let vda = try #require(references["vda"])

    // A pool's volumes are not encrypted, nor are copies that do not say so.
    let plain = """
      <domainbackup><disks><disk name='vda' type='file'><target file='@/plain'/></disk></disks>
      </domainbackup>
      """
    for refused in [try scene.run("backup-create"), try document.create(plain)] {
      #expect(refused.status == 1 && refused.stderr.contains("--allow-plaintext"), "\(refused)")
    }
    #expect(try document.copies() == [] && scene.pool.files() == [])
    try document.create(plain, ["--allow-plaintext"]).expectSuccess()
    #expect(try vda.difference(from: document.path("plain"), format: .qcow2) == nil)

    let pattern = Data(repeating: 0x5a, count: 4096)
    for (secret, format, file) in [
      ("uuid='\(encrypted.uuid)'", "qcow2", "a"), ("usage='\(document.directory)'", "raw", "b"),
    ] {
      let made = try Program.run(
        scene.libvirt,
        ["-d", "0"]
          + scene.arguments(
            "backup-create",
            [try document.document(encrypted.document(secret: secret, format: format, to: file))])
      ).expectSuccess()
      #expect(!made.description.contains(EncryptedScene.passphrase))
      let base64 = Data(EncryptedScene.passphrase.utf8).base64EncodedString()
      #expect(!made.description.contains(base64))
      let raw = try encrypted.decrypted(document.path(file), format == "raw" ? "luks" : format)
      #expect(try vda.difference(from: raw, format: .raw) == nil)
      let bytes = try Data(contentsOf: URL(filePath: document.path(file)))
      #expect(bytes.firstRange(of: pattern) == nil, "nothing is in the clear")
      #expect(try encrypted.secrets() == [])
      try scene.expectNoStrays()
    }
    #expect(try scene.pool.files() == [])
    try scene.run("backup-create", "--allow-plaintext", "--backupname", "p").expectSuccess()
    #expect(try scene.differences("p", references) == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `the scratch volume is encrypted too, and an unknown secret is found out in time`(
    mode: LibvirtMode
  ) throws {
    let encrypted = try EncryptedScene(PrivateLibvirt.shared(mode))
    let (scene, document) = (encrypted.scene, encrypted.document)
    defer { encrypted.remove() }
    for secret in ["uuid='00000000-0000-4000-8000-000000000000'", "usage='nope'"] {
      let text = encrypted.document(secret: secret)
      let (ours, theirs) = (try document.create(text), try document.backupBegin(text))
      #expect(ours.status == 1 && ours.firstError.hasPrefix("Secret not found: "), "\(ours)")
      #expect(ours.firstError == theirs.firstError)
    }
    #expect(try document.copies() == [] && scene.pool.files() == [])

    try scene.domain.write("vda", "write -P 0x5a 0 8M")
    let vda = try #require(try scene.domain.save()["vda"])
    let path = try document.document(encrypted.document(secret: "uuid='\(encrypted.uuid)'"))
    try scene.run("backup-create", path, "--async", "--bandwidth", "1").expectSuccess()
    // The guest overwrites what is not copied yet: the old data goes to the scratch volume.
    try scene.domain.write("vda", "write -P 0x5b 4M 4M")
    let name = try #require(try scene.pool.files().first { $0.hasSuffix(".scratch.qcow2") })
    let scratch = try Data(contentsOf: URL(filePath: scene.pool.path(name)))
    #expect(scratch.count > 1 << 20)
    #expect(scratch.firstRange(of: Data(repeating: 0x5a, count: 4096)) == nil)
    try scene.setSpeed(0)
    try eventually("the copy ends") {
      try scene.run("backup-jobinfo").stdout.contains("None")
    }
    let raw = try encrypted.decrypted(document.path("a"), "qcow2")
    #expect(try vda.difference(from: raw, format: .raw) == nil)
    #expect(try encrypted.secrets() == [])
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a client killed while QEMU has the passphrase leaves none there`(mode: LibvirtMode) throws {
    let encrypted = try EncryptedScene(PrivateLibvirt.shared(mode))
    let (scene, document) = (encrypted.scene, encrypted.document)
    defer { encrypted.remove() }
    let path = try document.document(encrypted.document(secret: "uuid='\(encrypted.uuid)'"))
    let trace = document.path("trace.xml")
    try scene.run(
      "backup-create", path, environment: ["VIRSH_BACKUP_TRACE_CALLS": trace]
    ).expectSuccess()
    try FileManager.default.removeItem(atPath: document.path("a"))
    let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    let first = try #require(calls.first { $0.hasSuffix(" object-add") })
    let number = try #require(first.split(separator: " ").first.flatMap { Int($0) })
    for call in [number, number + 1] {
      let killed = try scene.run(
        "backup-create", path, environment: ["VIRSH_BACKUP_KILL_AT": "\(call)"])
      #expect(killed.status != 0)
      #expect(try encrypted.secrets().count == 1, "it was killed at the right moment")
      try scene.run("backup-jobinfo").expectSuccess()
      #expect(try encrypted.secrets() == [])
      #expect(try document.copies() == [] && scene.pool.files() == [])
      try scene.expectNoStrays()
    }
  }
}
