// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Foundation
import Testing

@testable import Backup
@testable import BackupCore

/// Tests the plan of a restore: what the restore decides, as a value.
@Suite struct RestorePlanTests {
  private let scene: RestoreScene
  private let operation = "11111111-2222-4000-8000-000000000000"
  private let suffix = ".vb-111111112222-part"

  init() throws { scene = try RestoreScene(exists: true) }

  /// Makes the situation from which a restore of the scene's point is decided.
  private func situation(
    over definition: String? = nil, instants: [String] = [], isTrusted: Bool = true,
    _ places: FakePlaces = .init()
  ) throws -> RestoreSituation {
    let catalog = try Catalog(of: scene.pool)
    let existing = try definition.map { text in
      let parsed = try DomainDefinition(parsing: text)
      return OverwrittenDomain(
        name: parsed.name, text: text, definition: parsed,
        instants: try instants.map(SavedInstant.init(parsing:)),
        paths: Set(parsed.paths.map(places.resolved)))
    }
    return RestoreSituation(
      point: try #require(catalog.point(uuid: scene.manifest.uuid)), catalog: catalog,
      poolName: "backups", isTrusted: isTrusted, operation: operation,
      copyUUID: World.makeUUID(0xc0), existing: existing, emulators: [], places: places)
  }

  private static let recorded = RestoreScene.definition(disks: ["vda.img", "vdb.img"])
  /// The places that the domain's own disks and state take.
  private static let own: Set = [
    "/images/vda.img", "/images/vdb.img", "/nvram/web1_VARS.fd", "/tpm/\(World.domainUUID)",
  ]

  @Test func `a domain that is gone gets its disks where they were`() throws {
    let plan = try RestorePlan(.init(start: .paused), in: situation())
    #expect(plan.disks.map(\.stored.name) == ["vda", "vdb", "nvram"])
    #expect(
      plan.disks.map(\.path) == ["/images/vda.img", "/images/vdb.img", "/nvram/web1_VARS.fd"])
    #expect(plan.disks.map(\.temporaryPath) == plan.disks.map { $0.path + suffix })
    #expect(plan.disks.map(\.format) == ["qcow2", "raw", "raw"])
    #expect(plan.disks.allSatisfy { $0.isAsDefined && $0.replaced == nil })
    #expect(plan.disks.map(\.names.job) == (0..<3).map { "vb-111111112222-\($0)-job" })
    #expect(plan.images.map(\.stored.name) == ["vda", "vdb"])
    #expect(plan.tpm?.path == "/tpm/\(World.domainUUID)" && plan.tpm?.keepsOld == false)
    #expect(plan.missing == [])
    let defined = try DomainDefinition(parsing: try #require(plan.definition))
    #expect(try defined == DomainDefinition(parsing: RestorePlanTests.recorded))
    for isAsync in [false, true] {
      let document = plan.document(isAsync: isAsync)
      #expect(document.isStarted && document.isPaused && document.isAsync == isAsync)
      #expect(document.replacedDefinition == nil)
      #expect(document.disks.map(\.temporaryPath) == plan.disks.map(\.temporaryPath))
    }
  }

  @Test func `the disks of a domain that exists come beside its own`() throws {
    let old = RestorePlanTests.recorded
    let plan = try RestorePlan(
      .init(.over(keepsOld: true)),
      in: situation(over: old, .init(taken: RestorePlanTests.own)))
    #expect(
      plan.disks.map(\.path) == [
        "/images/web1-vda.qcow2", "/images/web1-vdb.img", "/nvram/web1_VARS-2.fd",
      ])
    #expect(
      plan.disks.map(\.replaced?.path) == [
        "/images/vda.img", "/images/vdb.img", "/nvram/web1_VARS.fd",
      ])
    #expect(plan.disks.allSatisfy { $0.replaced?.isKept == true && !$0.isAsDefined })
    #expect(plan.tpm?.keepsOld == true)
    let defined = try DomainDefinition(parsing: try #require(plan.definition))
    #expect(Set(defined.paths) == Set(plan.disks.map(\.path)))
    // Only a client that does not wait has to write down what the domain was.
    #expect(plan.document(isAsync: false).replacedDefinition == nil)
    #expect(plan.document(isAsync: true).replacedDefinition == StableHash.hex(old))
  }

  @Test func `names that are taken, by links too, are counted on`() throws {
    var places = FakePlaces(taken: RestorePlanTests.own)
    places.taken.formUnion(["/images/web1-vda.qcow2", "/images/web1-vda-2.qcow2"])
    places.links = ["/images/web1-vdb.img": "/images/vda.img"]
    places.taken.insert("/nvram/web1_VARS-2.fd")
    let plan = try RestorePlan(
      .init(.over(keepsOld: false)), in: situation(over: RestorePlanTests.recorded, places))
    #expect(
      plan.disks.map(\.path) == [
        "/images/web1-vda-3.qcow2", "/images/web1-vdb-2.img", "/nvram/web1_VARS-3.fd",
      ])
  }

  @Test func `where disks are named a domain keeps its definition and its state`() throws {
    let old = RestoreScene.definition(
      disks: ["other.img", "vdb.img"], more: "<title>now</title>")
    let plan = try RestorePlan(
      .init(.over(keepsOld: false), disks: [.init(name: "vda", file: "/new/a.img", format: "raw")]),
      in: situation(over: old, .init(taken: RestorePlanTests.own)))
    #expect(plan.disks.map(\.path) == ["/new/a.img"] && plan.nvram == nil && plan.tpm == nil)
    #expect(plan.disks.map(\.format) == ["raw"])
    #expect(plan.disks.map(\.replaced?.path) == ["/images/other.img"])
    #expect(plan.definition?.contains("<title>now</title>") == true)
    let defined = try DomainDefinition(parsing: try #require(plan.definition))
    #expect(Set(defined.paths) == ["/new/a.img", "/images/vdb.img", "/nvram/web1_VARS.fd"])
    #expect(plan.missing == [])
  }

  @Test func `a copy has disks, a name and a UUID of its own`() throws {
    let plan = try RestorePlan(
      .init(.copy(name: "copy"), disks: [.init(name: "vda")]), in: situation())
    #expect(plan.disks.map(\.path) == ["/images/copy-vda.qcow2"])
    let defined = try DomainDefinition(parsing: try #require(plan.definition))
    #expect(defined.name == "copy" && defined.uuid == World.makeUUID(0xc0))
    #expect(defined.disks.map(\.target) == ["vda"], "two domains would write one image")
    let whole = try RestorePlan(
      .init(.copy(name: "copy"), targetDirectory: "/to", format: "raw"), in: situation())
    #expect(whole.disks.map(\.path) == ["/to/copy-vda.img", "/to/copy-vdb.img"])
  }

  @Test func `in another directory disks have the names that they had`() throws {
    let plan = try RestorePlan(.init(targetDirectory: "/to"), in: situation())
    #expect(plan.disks.map(\.path) == ["/to/vda.img", "/to/vdb.img", "/to/web1_VARS.fd"])
    let defined = try DomainDefinition(parsing: try #require(plan.definition))
    #expect(Set(defined.paths) == Set(plan.disks.map(\.path)))
  }

  @Test func `disks alone need no domain`() throws {
    let plan = try RestorePlan(
      .init(.disksOnly(name: nil), targetDirectory: "/to"), in: situation())
    #expect(plan.disks.map(\.path) == ["/to/vda.img", "/to/vdb.img"])
    #expect(plan.definition == nil && plan.nvram == nil && plan.tpm == nil)
    let named = try RestorePlan(.init(.disksOnly(name: "a/b")), in: situation())
    #expect(named.disks.map(\.fileName) == ["a%2Fb-vda.qcow2", "a%2Fb-vdb.img"])
  }

  @Test func `a file that cannot be renamed has its name from the start, as a device has`() throws {
    let plan = try RestorePlan(
      .init(disks: [.init(name: "vda"), .init(name: "vdb", file: "/dev/sdx", isDevice: true)]),
      in: situation(.init(fixed: ["/images"])))
    #expect(plan.disks.map(\.temporaryPath) == ["/images/vda.img", "/dev/sdx"])
    #expect(plan.document(isAsync: false).disks.map(\.isDevice) == [false, true])
  }

  /// A request of a user, and the text of its refusal.
  struct Refused: CustomTestStringConvertible {
    var options: RestoreOptions
    var definition: String?
    var instants: [String] = []
    var taken: Set<String> = []
    var text: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Refused(options: .init(disks: [.init(name: "vdz")]), text: "has no disk named 'vdz'"),
    Refused(
      options: .init(disks: [.init(name: "vda"), .init(name: "vda")]), text: "specified twice"),
    Refused(
      options: .init(disks: [.init(name: "vda", file: "/a"), .init(name: "vdb", file: "/a")]),
      text: "two disks would be restored to '/a'"),
    Refused(options: .init(disks: [.init(name: "vda", file: "a")]), text: "is not absolute"),
    Refused(options: .init(format: "vmdk"), text: "is not one of qcow2, raw"),
    Refused(options: .init(.copy(name: "a/b")), text: "invalid domain name 'a/b'"),
    Refused(options: .init(), taken: ["/tpm/\(World.domainUUID)"], text: "the state of the TPM"),
    Refused(
      options: .init(
        .over(keepsOld: false), disks: [.init(name: "vda", file: "/images/vdb.img")]),
      definition: recorded, text: "is what the domain has now"),
    Refused(
      options: .init(.over(keepsOld: false)), definition: recorded,
      instants: ["<domainsnapshot><name>s</name></domainsnapshot>"], text: "snapshot 's' of domain"
    ),
    Refused(
      options: .init(.over(keepsOld: false)),
      definition: recorded.replacingOccurrences(of: "<name>web1<", with: "<name>web2<"),
      text: "is named 'web2' now"),
    Refused(
      options: .init(.over(keepsOld: false), disks: [.init(name: "vda")]),
      definition: recorded.replacingOccurrences(of: "dev='vda'", with: "dev='vdc'"),
      text: "has no disk 'vda' now"),
    Refused(
      options: .init(.over(keepsOld: false), disks: [.init(name: "vda")]),
      definition: recorded.replacingOccurrences(of: "device='disk'", with: "device='cdrom'"),
      text: "no disk that can be written"),
  ])
  func `what cannot be restored so is refused`(refused: Refused) throws {
    let situation = try situation(
      over: refused.definition, instants: refused.instants, .init(taken: refused.taken))
    let error = #expect(throws: BackupError.self) {
      try RestorePlan(refused.options, in: situation)
    }
    #expect(error?.description.contains(refused.text) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func `others who can write to a pool decide neither paths nor what harms the host`() throws
  {
    let situation = try situation(isTrusted: false)
    for (options, isAllowed) in [
      (RestoreOptions(), false), (.init(targetDirectory: "/to"), true),
      (.init(disks: [.init(name: "vda", file: "/a")]), false),
      (.init(.disksOnly(name: nil), disks: [.init(name: "vda", file: "/a")]), true),
    ] {
      let plan = try RestorePlan(options, in: situation)
      let isRefused = (try? plan.refuseUntrusted(options, in: situation)) == nil
      #expect(isRefused == !isAllowed, "\(options)")
    }
  }

  @Test func `what the backup has not is told`() throws {
    var situation = try situation()
    situation.point.manifest.nvram = nil
    situation.point.manifest.tpm = nil
    situation.point.manifest.disks.removeLast()
    #expect(
      try RestorePlan(.init(), in: situation).missing == [
        "disk 'vdb' is not in the backup: it is left as it is",
        "the NVRAM is not in the backup: it is left as it is",
        "the state of the TPM is not in the backup: it is left as it is",
      ])
  }

  @Test func `what no domain gets is told, with the volumes that have it`() throws {
    let plan = try RestorePlan(.init(.disksOnly(name: nil)), in: situation())
    let manifest = plan.point.manifest
    let one = RestoreOptions(.disksOnly(name: nil), disks: [.init(name: "vda")])
    #expect(try RestorePlan(one, in: situation()).missing == [])
    #expect(
      plan.missing == [
        "the NVRAM is not restored without a domain: it is volume "
          + "'\(try #require(manifest.nvram).volume.name)'",
        "the state of the TPM is not restored without a domain: it is volume "
          + "'\(try #require(manifest.tpm).volume.name)'",
      ])
  }
}

extension DomainDefinition {
  /// The files of its disks and its NVRAM.
  fileprivate var paths: [String] {
    disks.compactMap { disk -> String? in
      if case .file(let path) = disk.source { path } else { nil }
    } + [nvram?.path].compactMap(\.self)
  }
}
