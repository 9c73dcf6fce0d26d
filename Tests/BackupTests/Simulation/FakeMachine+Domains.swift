// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import BackupCore
@testable import DomainXML

/// Runs the domains of a host, which may pull what their images stand on.
extension FakeMachine {
  /// A domain while it runs.
  final class Running: Equatable {
    /// Its live definition, in which each image has its number.
    var text: String
    let qemu = FakeQEMU()
    /// The disks whose images take in what they stand on.
    var pulls: Set<String> = []

    init(_ text: String) { self.text = text }

    static func == (one: Running, other: Running) -> Bool { one === other }
  }

  /// Starts a domain, whose QEMU has a node for each image, as libvirt names them.
  func start(_ uuid: String) throws {
    guard let domain = domains[uuid], domain.isDefined, domain.running == nil else {
      throw Refusal(description: "the domain cannot be started")
    }
    var index = 0
    func number(_ element: inout XMLElement) {
      element.forEachElement("source") { source in
        index += 1
        source["index"] = "\(index)"
      }
      element.forEachElement("backingStore") { number(&$0) }
    }
    let running = Running(try edited(domain.text) { disk, _ in number(&disk) })
    running.qemu.files = files
    for image in try DomainDefinition(parsing: running.text).disks.flatMap(\.chain) {
      guard case .file(let path) = image.source, let index = image.index else { continue }
      guard let file = files.open(path) else {
        throw Refusal(description: "cannot access '\(path)'")
      }
      running.qemu.nodes["libvirt-\(index)-storage"] = .init(driver: "file", file: file)
      running.qemu.nodes["libvirt-\(index)-format"] = .init(
        driver: "qcow2", below: ["libvirt-\(index)-storage"])
    }
    domains[uuid]?.running = running
  }

  /// Ends a domain, of which its definition is left.
  func shutOff(_ uuid: String) {
    domains[uuid]?.running = nil
    if domains[uuid]?.isDefined == false { domains[uuid] = nil }
  }

  /// Forgets the definition of a domain, which may run on.
  func undefine(_ uuid: String) {
    domains[uuid]?.isDefined = false
    if domains[uuid]?.running == nil { domains[uuid] = nil }
  }

  /// Lets time pass, in which all that images pull is pulled.
  func pullAll() throws {
    for running in domains.values.compactMap(\.running) {
      for disk in try DomainDefinition(parsing: running.text).disks
      where running.pulls.contains(disk.target) && disk.chain.count > 1 {
        guard case .file(let path) = disk.source, case .file(let below) = disk.chain[1].source
        else { continue }
        files[path] = files[below]
      }
      running.text = try edited(running.text) { disk, target in
        if running.pulls.contains(target) { disk.removeElements("backingStore") }
      }
      running.pulls = []
    }
  }

  private func edited(
    _ text: String, _ edit: (inout XMLElement, String) -> Void
  ) throws -> String {
    var root = try XMLElement(parsing: text)
    root.forEachElement("devices") { devices in
      devices.forEachElement("disk") { disk in
        edit(&disk, disk.element("target")?["dev"] ?? "")
      }
    }
    return try root.xml()
  }
}
