// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Names of the bitmaps that sessions leave.
struct SessionBitmapNameTests {
  private static let images = ["0123456789abcdef", "fedcba9876543210"]

  @Test(arguments: ["s1", "a.b.c", "20261122T020000Z", "x.vda.y"])
  func `what is written is read`(session: String) {
    for count in 1...2 {
      let images = Array(SessionBitmapNameTests.images.prefix(count))
      let name = SessionBitmapName(session: session, disk: "vda", images: images)
      #expect(
        name.text == "virsh-backup.nbd.\(session).vda.\(images.joined(separator: "-"))")
      #expect(SessionBitmapName(parsing: name.text) == name)
      // It is no point's.
      #expect(BitmapName(parsing: name.text) == nil)
    }
  }

  @Test
  func `QEMU takes the name of a session on the longest chain`() {
    let name = SessionBitmapName(
      session: String(repeating: "s", count: 255), disk: "vdaaa",
      images: Array(repeating: SessionBitmapNameTests.images[0], count: 300))
    #expect(name.text.utf8.count <= 1023)
    #expect(SessionBitmapName(parsing: name.text) == name)
  }

  @Test(arguments: [
    "", "virsh-backup.nbd.", "virsh-backup.nbd.s1.vda", "virsh-backup.nbd.s1.vda.0123",
    "virsh-backup.nbd.s1.vda.0123456789abcdeg", "virsh-backup.nbd..vda.0123456789abcdef",
    "virsh-backup.nbd.s1..0123456789abcdef", "virsh-backup.nbd.s 1.vda.0123456789abcdef",
    "virsh-backup.nbd.s1.vda.0123456789abcdef-", "virsh-backup.nbd.s1.vda.-0123456789abcdef",
    "virsh-backup.s1.vda.0123456789abcdef", "nbd.s1.vda.0123456789abcdef",
    "xvirsh-backup.nbd.s1.vda.0123456789abcdef",
  ])
  func `other bitmaps are no sessions'`(text: String) {
    #expect(SessionBitmapName(parsing: text) == nil)
  }

  @Test
  func `images are told apart by where they are, devices that can grow by their size too`() {
    let hashes = [
      SessionBitmapName.image(of: .file("/a"), growingFrom: nil),
      SessionBitmapName.image(of: .file("/b"), growingFrom: nil),
      SessionBitmapName.image(of: .block("/a"), growingFrom: nil),
      SessionBitmapName.image(of: .block("/a"), growingFrom: 1),
      SessionBitmapName.image(of: .block("/a"), growingFrom: 2),
      SessionBitmapName.image(of: .volume(pool: "a", name: "b"), growingFrom: nil),
    ]
    #expect(Set(hashes).count == hashes.count)
    #expect(hashes.allSatisfy { $0.count == 16 })
    #expect(hashes[0] == SessionBitmapName.image(of: .file("/a"), growingFrom: nil))
  }
}

/// Where a session may be served, and how that is written.
struct SessionPlaceTests {
  @Test(arguments: ["127.0.0.1", "127.255.0.9", "::1", "localhost"])
  func `addresses of the host alone need no TLS`(host: String) throws {
    #expect(SessionOptions.isLoopback(host))
    try SessionOptions(listen: .tcp(host: host, port: nil)).checkAddress()
  }

  @Test(arguments: ["0.0.0.0", "::", "192.0.2.1", "::ffff:127.0.0.1", "fe80::1%eth0", "128.0.0.1"])
  func `all others do, or the user's word`(host: String) throws {
    #expect(!SessionOptions.isLoopback(host))
    let listen = SessionOptions.Listen.tcp(host: host, port: 10809)
    let error = #expect(throws: BackupError.self) {
      try SessionOptions(listen: listen).checkAddress()
    }
    #expect(error?.description.contains("--allow-plaintext") == true)
    try SessionOptions(listen: listen, allowsPlaintext: true).checkAddress()
    try SessionOptions(listen: listen, tlsDirectories: ["/x"]).checkAddress()
  }

  @Test(arguments: [
    "", "host.example.org", "127.0.0", "127.0.0.1.example.org", "127.0.0.256", "127.0.0.1 ",
    "127.0.0.-1", "localhost.example.org", "g::1", "::1/x", "+1.2.3.4",
  ])
  func `what is no address is refused, with TLS too`(host: String) {
    let options = SessionOptions(listen: .tcp(host: host, port: nil), tlsDirectories: ["/x"])
    let error = #expect(throws: BackupError.self) { try options.checkAddress() }
    #expect(error?.description == "'\(host)' is not an IP address")
  }

  @Test(arguments: [
    (
      NBDServer.Transport.unix(path: "/run/a b.sock"), false,
      "nbd+unix:///vda?socket=/run/a%20b.sock"
    ),
    (.unix(path: "/r/ü&?#"), true, "nbds+unix:///vda?socket=/r/%C3%BC%26%3F%23"),
    (.tcp(host: "127.0.0.1", port: 10809), false, "nbd://127.0.0.1:10809/vda"),
    (.tcp(host: "::1", port: 1), true, "nbds://[::1]:1/vda"),
    (.tcp(host: "host.example.org", port: nil), false, "nbd://host.example.org/vda"),
  ])
  func `the URI says how a client reaches it`(
    transport: NBDServer.Transport, isTLS: Bool, uri: String
  ) {
    #expect(NBDServer(transport: transport, isTLS: isTLS).uri(export: "vda") == uri)
  }

  @Test
  func `an export's name is escaped in a URI`() {
    let server = NBDServer(transport: .tcp(host: "h", port: 1), isTLS: false)
    #expect(server.uri(export: "a/b ?#%\"ü~") == "nbd://h:1/a%2Fb%20%3F%23%25%22%C3%BC~")
  }

  @Test
  func `an export's id tells the port that was taken`() {
    let names = NodeNames(operation: World.makeUUID(1), disk: 0)
    #expect(NodeNames.port(ofExport: names.export(port: 49152)) == 49152)
    #expect(NodeNames.port(ofExport: names.export(port: nil)) == nil)
    #expect(names.export(port: 1).hasPrefix(OperationID(World.makeUUID(1)).prefix))
  }
}
