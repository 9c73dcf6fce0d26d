// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import DomainXML

/// Makes `<domainbackup>` documents at random, the same ones for the same seed: most are nearly
/// right, and about half are.
struct BackupDocumentGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  /// Makes a document.
  mutating func document() -> XMLElement {
    let isPull = chance(50)
    var root = XMLElement(rarely() ? "domainbackups" : "domainbackup")
    if isPull || chance(30) { root["mode"] = isPull ? "pull" : "push" }
    if rarely() { root["mode"] = pick(["", "default", "pull", "push", "PULL"]) }
    var children: [XMLElement] = []
    if chance(40) {
      children.append(XMLElement("incremental", text: pick(["c1", "", "a b", "é"])))
    }
    if isPull != rarely() { children.append(server()) }
    if chance(90) {
      let disks = (0..<(rarely() ? 0 : Int.random(in: 1...3, using: &self))).map { _ in
        disk(isPull: isPull)
      }
      children.append(spoiled(XMLElement("disks", [:], disks)))
    }
    if rarely(), let again = children.randomElement(using: &self) { children.append(again) }
    root.children = children.shuffled(using: &self).map { .element($0) }
    return spoiled(root)
  }

  private mutating func server() -> XMLElement {
    var server = XMLElement("server")
    if chance(30) { server["tls"] = pick(["yes", "no"], or: ["", "maybe"]) }
    if chance(50) {
      if chance(70) { server["transport"] = pick(["tcp"], or: ["rdma", "", "TCP"]) }
      server["name"] = pick(
        [
          "localhost", "10.0.0.1", "::1", "a-b.c", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4",
          ":1.2.3.4",
        ],
        or: ["", "a_b", "a b", "1::2::3", "[::1]", ":::", "1:2", "::1.2.3.256", "1::2:1.2.3.4"])
      if chance(60) {
        server["port"] = pick(["10809", "0", "65535"], or: ["", "-1", "+1", "x", "99999999999"])
      }
      if rarely() { server["socket"] = "/s" }
    } else {
      server["transport"] = "unix"
      server["socket"] = pick(
        ["/run/s", "//", "/a/../b", "C:\\x"], or: ["", "/", "run/s", "/a\nb", "é:\\x"])
      if rarely() { server["name"] = "localhost" }
    }
    if rarely() { server["name"] = nil }
    return spoiled(server)
  }

  private mutating func disk(isPull: Bool) -> XMLElement {
    var disk = XMLElement("disk")
    disk["name"] = pick(
      ["vda", "vdb", "sda1", "xvd_", "ioemu:hdb", "fd0", "ubd9"],
      or: ["", "vd", "/dev/vda", "vd-a", "ioemu:", "nvme0", "vdé"])
    if rarely() { disk["name"] = nil }
    if chance(40) { disk["backupmode"] = pick(["full", "incremental"], or: ["", "Full"]) }
    if chance(20) { disk["incremental"] = pick(["c1", "", "x'y\"z"]) }
    if isPull != rarely() {
      if chance(20) { disk["exportname"] = pick(["vda", "", "{\"a\": 1}"]) }
      if chance(20) { disk["exportbitmap"] = "b" }
    }
    guard chance(80) else {
      disk["backup"] = "no"
      if rarely() { disk["type"] = "file" }
      if rarely() { disk.children = [.element(store(isPull: isPull, isBlock: false))] }
      return spoiled(disk)
    }
    if chance(40) { disk["backup"] = pick(["yes"], or: ["maybe", ""]) }
    let isBlock = chance(30)
    if isBlock || chance(70) {
      disk["type"] = isBlock ? "block" : pick(["file"], or: ["network", ""])
    }
    var children: [XMLElement] = []
    if chance(70) { children.append(store(isPull: isPull, isBlock: isBlock)) }
    if chance(40) {
      let good = isPull ? ["qcow2"] : ["qcow2", "raw", "vmdk", "dir"]
      children.append(spoiled(XMLElement("driver", ["type": pick(good, or: ["raw", "", "zip"])])))
    }
    disk.children = children.shuffled(using: &self).map { .element($0) }
    return spoiled(disk)
  }

  private mutating func store(isPull: Bool, isBlock: Bool) -> XMLElement {
    var store = XMLElement(isPull != rarely() ? "scratch" : "target")
    store[isBlock != rarely() ? "dev" : "file"] = pick(
      ["/x", "/a b'c", "/..", "//", "z:\\y"], or: ["", "/", "x", "/a\rb", "..", "1:\\x"])
    var children: [XMLElement] = []
    while chance(25) { children.append(label()) }
    if chance(20) { children.append(encryption()) }
    store.children = children.shuffled(using: &self).map { .element($0) }
    return spoiled(store)
  }

  private mutating func label() -> XMLElement {
    var label = XMLElement("seclabel")
    if chance(50) { label["model"] = pick(["dac", "selinux", ""]) }
    let kind = Int.random(in: 0..<4, using: &self)
    if kind == 0 || rarely() { label["relabel"] = "no" }
    if kind == 1 || rarely() { label["labelskip"] = pick(["yes"], or: ["no"]) }
    if kind > 1 {
      if chance(50) { label["relabel"] = pick(["yes"], or: ["maybe"]) }
      label.children = (0..<Int.random(in: 1...2, using: &self)).map { _ in
        .element(XMLElement("label", text: pick(["+1:+1", ""])))
      }
    }
    return spoiled(label)
  }

  private mutating func encryption() -> XMLElement {
    var encryption = XMLElement("encryption", ["format": pick(["luks"], or: ["qcow", ""])])
    if chance(30) { encryption["engine"] = pick(["qemu"], or: ["librbd"]) }
    var secret = XMLElement("secret", ["type": pick(["passphrase"], or: ["volume", ""])])
    if chance(50) != rarely() {
      secret["uuid"] = pick(
        [Samples.domainUUID, "c7a5fdbdedaf9455926ad65c16db1809"], or: ["", "x", "c7a5fdbd-"])
    } else {
      secret["usage"] = pick(["a", ""])
    }
    var children = rarely() ? [] : [spoiled(secret)]
    if chance(40) {
      var cipher = XMLElement(
        "cipher", ["name": "aes", "size": pick(["256"], or: ["", "-1", "k"])])
      if chance(50) { cipher["mode"] = "cbc" }
      if cipher["mode"] != nil, !rarely() { cipher["hash"] = "sha256" }
      let generator = XMLElement("ivgen", ["name": "plain64", "hash": chance(50) ? "sha256" : nil])
      children += rarely() ? [generator, cipher] : [cipher, spoiled(generator)]
      if rarely() { children.removeLast() }
      if chance(30) { children.append(children.removeFirst()) }
    }
    encryption.children = children.map { .element($0) }
    return spoiled(encryption)
  }

  /// The element with, once in a while, something in it that does not belong there.
  private mutating func spoiled(_ element: XMLElement) -> XMLElement {
    var element = element
    switch Int.random(in: 0..<150, using: &self) {
    case 0: element["foo"] = "x"
    case 1: element.children.append(.text("x"))
    case 2: element.children.append(.element(XMLElement("foo")))
    case 3: element.name += "s"
    case 4: element["xml:lang"] = "de"
    case 5: element.children.append(.text("\u{A0}"))
    // These do no harm.
    case 6: element.children.append(.comment("c"))
    case 7: element.children.append(.text(" \n\t"))
    case 8: element.children.append(.instruction(target: "p", data: "i"))
    case 9: element.children.append(.cdata(" "))
    default: break
    }
    return element
  }

  private mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &self) < percent
  }

  private mutating func rarely() -> Bool { chance(3) }

  private mutating func pick(_ good: [String], or bad: [String] = []) -> String {
    (!bad.isEmpty && chance(5) ? bad : good).randomElement(using: &self) ?? ""
  }
}
