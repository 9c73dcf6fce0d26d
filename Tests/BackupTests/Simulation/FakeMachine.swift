// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import BackupCore
@testable import DomainXML
import QMP

/// A host as it is for all clients: its domains, its files, and the helper domains that run.
final class FakeMachine {
  /// libvirt's refusal, which is no error of ours.
  struct Refusal: Error, CustomStringConvertible {
    static let ended = Refusal(description: "the domain is not running")

    var description: String
  }

  /// A domain that is defined, or runs without that.
  struct Domain: Equatable {
    var name: String
    var text: String
    var isDefined = true
    /// The live definition and the QEMU of the domain; nil while it does not run.
    var running: Running?
    var isAutostart = false
    /// The documents of its snapshots and checkpoints.
    var instants: [String] = []
  }

  /// A helper domain that runs.
  struct Helper {
    var definition: String
    var qemu: FakeQEMU
    /// The client with whose connection it ends; nil where it goes on.
    var client: Int?
  }

  let pool: FakeRepository
  let files = FakeFiles()
  var domains: [String: Domain] = [:]
  var helpers: [String: Helper] = [:]
  /// The bitmaps that are stored in images, by the images' paths.
  var bitmaps: [String: [BlockDirtyInfo]] = [:]
  /// Directories in which this machine can rename no file.
  var unrenamable: Set<String> = []
  /// The number of UUIDs that were made; the next UUID has the next number.
  var uuids = 0

  init(pool: FakeRepository) {
    self.pool = pool
    files.add(pool)
  }

  /// Makes a domain, or gives one another definition.
  func define(_ text: String) throws {
    let definition = try DomainDefinition(parsing: text)
    if domains.contains(where: { $0.key != definition.uuid && $0.value.name == definition.name }) {
      throw Refusal(description: "domain '\(definition.name)' already exists")
    }
    var domain = domains[definition.uuid] ?? Domain(name: definition.name, text: text)
    domain.text = text
    domain.isDefined = true
    domains[definition.uuid] = domain
  }

  /// Starts a helper domain, whose QEMU has the nodes of each disk, as libvirt names them.
  func startHelper(_ text: String, name: String, client: Int?) throws {
    guard helpers[name] == nil else {
      throw Refusal(description: "domain '\(name)' already exists")
    }
    let qemu = FakeQEMU()
    qemu.files = files
    var root = try XMLElement(parsing: text)
    var index = 0
    var missing: String?
    root.forEachElement("devices") { devices in
      devices.forEachElement("disk") { disk in
        index += 1
        let number = index
        let path = disk.element("source")?["file"] ?? ""
        disk.forEachElement("source") { $0["index"] = "\(number)" }
        disk.insert(XMLElement("alias", ["name": "scsi0-0-0-\(number)"]))
        guard let file = files.open(path) else { return missing = path }
        qemu.nodes["libvirt-\(number)-storage"] = .init(driver: "file", file: file)
        qemu.nodes["libvirt-\(number)-format"] = .init(
          driver: disk.element("driver")?["type"] ?? "raw", bitmaps: bitmaps[path] ?? [],
          below: ["libvirt-\(number)-storage"], size: ChainImage.capacity)
        qemu.drives["/machine/peripheral/scsi0-0-0-\(number)"] = "libvirt-\(number)-format"
      }
    }
    if let missing { throw Refusal(description: "cannot access '\(missing)'") }
    helpers[name] = Helper(definition: try root.xml(), qemu: qemu, client: client)
  }

  /// Ends a helper domain; a QEMU that is killed leaves its images as they are.
  func endHelper(_ name: String, isKilled: Bool = false) {
    if !isKilled, let helper = helpers[name] {
      helper.qemu.close()
      for node in helper.qemu.nodes.values where node.driver == "qcow2" {
        let file = node.below.first.flatMap { helper.qemu.nodes[$0]?.file }
        guard let path = file.flatMap(files.path) else { continue }
        bitmaps[path] = node.bitmaps.filter(\.persistent)
      }
    }
    helpers[name] = nil
  }

  /// Ends what ends with a client that dies.
  func bury(_ client: Int, killsHelpers: Bool = false) {
    for (name, helper) in helpers where helper.client == client {
      endHelper(name, isKilled: killsHelpers)
    }
  }

  /// Lets time pass, in which all that helper domains copy is copied.
  func copyAll(error: String? = nil) {
    for helper in helpers.values { helper.qemu.copyAll(error: error) }
  }
}
