// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Libvirt
import Testing

@Suite(
  .serialized, .enabled(if: PrivateDaemon.isAvailable, "libvirtd or setpriv is not installed"))
struct DaemonTests {
  @Test func `What is uploaded is what is downloaded, whole and in parts`() throws {
    try PrivateDaemon.with { daemon in
      let connection = try Connection.open(uri: daemon.uri)
      let pool = try daemon.makePool(connection)
      // More than one message of the protocol (256 KiB of payload), and not a multiple of it.
      let size = 1_000_003
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
      let volume = try pool.createVolume(
        xml: TestNode.volumeXML(name: "web1.backup.xml", capacity: size))

      try volume.upload(bytes)
      #expect(try volume.download() == bytes)
      #expect(try volume.download(offset: 999_000, length: 100) == Array(bytes[999_000..<999_100]))
      #expect(try volume.download(offset: 999_000, length: 4_000) == Array(bytes[999_000...]))
      #expect(try volume.download(length: 0).isEmpty)

      try volume.upload([1, 2, 3], offset: 10)
      try volume.upload([], offset: 20)
      #expect(
        try volume.download(length: 30) == Array(bytes[..<10] + [1, 2, 3] + bytes[13..<30]))

      let file = try Data(contentsOf: URL(filePath: try volume.path))
      #expect(Array(file[13...]) == Array(bytes[13...]))
    }
  }

  @Test func `A volume that is gone can be neither read nor written`() throws {
    try PrivateDaemon.with { daemon in
      let connection = try Connection.open(uri: daemon.uri)
      let pool = try daemon.makePool(connection)
      let volume = try pool.createVolume(xml: TestNode.volumeXML(name: "a.xml"))
      try volume.delete()
      let download = #expect(throws: LibvirtError.self) { try volume.download() }
      #expect(download?.code == .noStorageVolume)
      let upload = #expect(throws: LibvirtError.self) { try volume.upload([1]) }
      #expect(upload?.code == .noStorageVolume)
      // The connection is as good as before.
      #expect(try pool.volumeNames().isEmpty)
    }
  }

  @Test func `A read-only connection does not show a volume's data`() throws {
    try PrivateDaemon.with { daemon in
      let connection = try Connection.open(uri: daemon.uri)
      let pool = try daemon.makePool(connection)
      _ = try pool.createVolume(xml: TestNode.volumeXML(name: "a.xml"))
      let reader = try Connection.open(uri: daemon.uri, readOnly: true)
      let volume = try reader.storagePool(name: "backups").volume(name: "a.xml")
      #expect(try volume.info.capacity == 1 << 20)
      let error = #expect(throws: LibvirtError.self) { try volume.download() }
      #expect(error?.code == .operationDenied)
    }
  }

  @Test func `A pool is found by its directory, and a name that is taken is an error`() throws {
    try PrivateDaemon.with { daemon in
      let connection = try Connection.open(uri: daemon.uri)
      let pool = try daemon.makePool(connection)
      let path = "\(daemon.directory)/backups"
      #expect(try connection.storagePool(targetPath: path).uuid == pool.uuid)
      let unknown = #expect(throws: LibvirtError.self) {
        try connection.storagePool(targetPath: "/nowhere")
      }
      #expect(unknown?.code == .noStoragePool)

      _ = try pool.createVolume(xml: TestNode.volumeXML(name: "a.xml"))
      let taken = #expect(throws: LibvirtError.self) {
        try pool.createVolume(xml: TestNode.volumeXML(name: "a.xml"))
      }
      #expect(taken?.code == .storageVolExist)

      // A volume that someone else made is there after a refresh.
      try write("x", to: "\(path)/b.xml")
      #expect(try pool.volumeNames() == ["a.xml"])
      try pool.refresh()
      #expect(try Set(pool.volumeNames()) == ["a.xml", "b.xml"])
    }
  }

  @Test func `The end of the daemon is noticed, and later calls fail`() throws {
    try PrivateDaemon.with { daemon in
      let connection = try Connection.open(uri: daemon.uri)
      #expect(try connection.setKeepAlive(interval: 5, count: 3))
      let closed = try connection.closeEvents()
      let second = #expect(throws: LibvirtError.self) { try connection.closeEvents() }
      #expect(second?.code == .operationInvalid)
      #expect(closed.drain().isEmpty)

      daemon.kill()
      let reason = closed.next(timeoutMilliseconds: 10_000)
      #expect(reason == .endOfFile || reason == .error)
      #expect(try !connection.isAlive)
      #expect(throws: LibvirtError.self) { try connection.domains() }
    }
  }

  @Test func `A registration for the end can be made again after it was ended`() throws {
    try PrivateDaemon.with { daemon in
      weak var observed: Connection?
      do {
        let connection = try Connection.open(uri: daemon.uri)
        observed = connection
        let first = try connection.closeEvents()
        first.cancel()
        let second = try connection.closeEvents()
        #expect(second.drain().isEmpty)
      }
      #expect(observed == nil)
    }
  }

  @Test(.enabled(if: EmbeddedQEMU.isAvailable, "QEMU is not installed"))
  func `A guest that is to go with its connection goes, and its events arrive from afar`() throws {
    try PrivateDaemon.with { daemon in
      let observer = try Connection.open(uri: daemon.uri)
      let lives: LifecycleEventQueue
      let events: MonitorEventQueue
      do {
        let connection = try Connection.open(uri: daemon.uri)
        let domain = try connection.createDomain(
          xml: EmbeddedQEMU.domainXML, flags: [.paused, .autoDestroy])
        let observed = try observer.domain(uuid: domain.uuid)
        #expect(try observed.state.state == .paused)
        lives = try observer.lifecycleEvents(of: observed)
        events = try observer.monitorEvents(of: observed)
        try domain.resume()
        #expect(events.next(timeoutMilliseconds: 10_000)?.name == "RESUME")
        #expect(lives.next(timeoutMilliseconds: 10_000)?.kind == .resumed)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let added = try domain.qemuMonitorCommand(
          #"{"execute":"add-fd"}"#, descriptors: [ends[0]])
        #expect(added.contains(#""fdset-id""#))
      }
      var kinds: [LifecycleEvent.Kind?] = []
      while kinds.last != .stopped, let event = lives.next(timeoutMilliseconds: 20_000) {
        kinds.append(event.kind)
      }
      // QEMU may say that it was asked to shut down before it is gone.
      #expect(kinds == [.stopped] || kinds == [.shutdown, .stopped])
      #expect(try observer.domains().isEmpty)
    }
  }

  #if DEBUG
    @Test(arguments: [("VIRSH_BACKUP_KILL_AT", ["a.xml"]), ("VIRSH_BACKUP_KILL_BEFORE", [])])
    func `A process that is killed at a call has made it, before a call it has not`(
      variable: String, names: [String]
    ) async throws {
      try await withTemporaryDirectory { directory in
        let daemon = try PrivateDaemon(in: directory)
        defer { daemon.stop() }
        let uri = daemon.uri
        let pool = try daemon.makePool(try Connection.open(uri: uri))
        await #expect(processExitsWith: .signal(SIGKILL)) { [uri = uri as String, variable] in
          setenv(variable, "3", 1)
          let pool = try Connection.open(uri: uri).storagePool(name: "backups")
          _ = try pool.createVolume(xml: TestNode.volumeXML(name: "a.xml"))
        }
        #expect(try pool.volumeNames() == names)
      }
    }
  #endif
}
