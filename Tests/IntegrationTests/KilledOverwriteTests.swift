// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Restores over a domain whose client, daemon or helper is killed.
struct KilledOverwriteTests {
  /// Who is killed when the client has made so many calls.
  private enum Victim: CaseIterable {
    case clientBefore, clientAfter, daemon, helper
  }

  /// Runs a restore and kills at a moment that its calls tell.
  private func kill(
    _ victim: Victim, at number: Int, of arguments: [String], _ scene: OverwriteScene
  ) throws {
    let libvirt = scene.history.libvirt
    switch victim {
    case .clientBefore, .clientAfter:
      let variable = victim == .clientBefore ? "VIRSH_BACKUP_KILL_BEFORE" : "VIRSH_BACKUP_KILL_AT"
      _ = try Program.run(libvirt, arguments, environment: [variable: "\(number)"])
    case .daemon, .helper:
      let trace = scene.path("trace\(number)")
      let client = try Program.start(
        libvirt, arguments, environment: ["VIRSH_BACKUP_TRACE_CALLS": trace])
      try eventually("the client makes call \(number), or has ended", every: .milliseconds(2)) {
        let calls = FileManager.default.contents(atPath: trace) ?? Data()
        return calls.count { $0 == UInt8(ascii: "\n") } >= number || client.hasEnded
      }
      if victim == .daemon {
        try libvirt.kill()
      } else {
        for pid in libvirt.qemuPIDs() { Glibc.kill(pid, SIGKILL) }
      }
      try client.wait()
      if victim == .daemon { try libvirt.start() }
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `whatever is killed, the domain has all its old disks or all new ones`(
    mode: LibvirtMode
  ) throws {
    // A daemon of its own: it is killed, and so are all its helpers.
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let scene = try OverwriteScene(libvirt)
    let trace = scene.path("calls")
    let whole = try Program.run(
      libvirt, scene.arguments("q"), environment: ["VIRSH_BACKUP_TRACE_CALLS": trace])
    try whole.expectSuccess()
    let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    let started = try #require(calls.firstIndex { $0.contains("virDomainCreateXML") })
    let ended = try #require(calls.firstIndex { $0.contains("virDomainDestroyFlags") })

    var has = "q"
    var outcomes: Set<Bool> = []
    for round in 0..<20 {
      let victim: Victim =
        round % 5 == 4
        ? .daemon : round % 7 == 3 ? .helper : round % 2 == 0 ? .clientBefore : .clientAfter
      // In every twentieth of the calls once; a helper is there in the middle of them only.
      let range = victim == .helper ? started...ended : 0...(calls.count - 1)
      let part = Double(round) + Double.random(in: 0..<1)
      let number = range.lowerBound + Int(part / 20 * Double(range.count)) + 1
      let wanted = has == "q" ? "p" : "q"
      let when = "\(victim) killed at call \(number) of \(calls.count), \(calls[number - 1])"
      try kill(victim, at: number, of: scene.arguments(wanted), scene)

      // Before anybody settles.
      let isNew = try scene.differences(from: wanted) == []
      if !isNew { #expect(try scene.differences(from: has) == [], "\(when)") }
      if round % 4 == 0 || victim == .daemon { try scene.expectToStart(when) }
      let definition = try scene.domain.inactiveDefinition()
      try scene.history.run("backup-jobinfo").expectSuccess()
      // The others are gone, and these are as they were.
      #expect(try scene.domain.inactiveDefinition() == definition, "\(when)")
      let files = try scene.files(), images = try scene.imageNames()
      #expect(files == images, "\(when)")
      try scene.expectNoStrays(when)
      if isNew { has = wanted }
      outcomes.insert(isNew)
    }
    #expect(outcomes == [false, true])
    #expect(try scene.differences(from: has) == [])
    try scene.expectToStart()
  }

  @Test func `a client that is killed before it wrote a document it has made leaves no image`()
    throws
  {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    try Program.run(scene.history.libvirt, scene.arguments("q")).expectSuccess()
    var number = 0, wanted = "p"
    var result: CommandResult
    repeat {
      number += 1
      let when = "killed when volume \(number) was made"
      result = try Program.run(
        scene.history.libvirt, scene.arguments(wanted),
        environment: ["VIRSH_BACKUP_KILL_AT": "virStorageVolCreateXML#\(number)"])
      let isNew = try scene.differences(from: wanted) == []
      let told = try scene.history.run("backup-jobinfo").expectSuccess()
      let files = try scene.files(), images = try scene.imageNames()
      #expect(files == images, "\(when): \(told)")
      try scene.expectNoStrays(when)
      if isNew { wanted = wanted == "p" ? "q" : "p" }
    } while result.ending == .signalled(SIGKILL)
    #expect(number > 4)
  }
}
