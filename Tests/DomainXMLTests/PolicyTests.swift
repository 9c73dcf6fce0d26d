// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct PolicyTests {
  private static let samples: [Policy] = [
    Policy(),
    Policy(isOff: true),
    Policy(kept: [.last: 3]),
    Policy(keptWithin: 14 * 86400),
    Policy(
      isOff: true, pool: "back ups 'x' & <y>", kept: [.last: 1, .daily: 7, .yearly: 2_147_483_647],
      keptWithin: 1, isQuiesced: true, compression: "zstd", scratchPool: "/var/scratch",
      excludedDisks: ["vdb", "sda.1"], verifyInterval: 604800, bootInterval: 2_147_483_647),
  ]

  /// The element as a definition has it, with the names in our namespace.
  private func inNamespace(_ text: String) -> String {
    let uri = "xmlns:vb='https://virsh-backup/ns/1'"
    return text.replacing("</", with: "</vb:").replacing(/<(\w)/) { "<vb:\($0.1)" }
      .replacing("<vb:policy", with: "<vb:policy \(uri)", maxReplacements: 1)
  }

  private func definition(_ metadata: String) -> String {
    """
    <domain type='kvm'>
      <name>web1</name>
      <uuid>\(Samples.domainUUID)</uuid>
      <metadata>
        <app:policy xmlns:app='http://example.org/app' off='yes'/>
        \(metadata)
      </metadata>
      <os><type>hvm</type></os>
    </domain>
    """
  }

  @Test(arguments: samples)
  func `A policy is read as it was written`(policy: Policy) throws {
    let text = try policy.xml()
    #expect(try Policy(parsing: text) == policy, "\(text)")
    #expect(try Policy(parsing: text).xml() == text)
    let inside = inNamespace(text)
    #expect(try Policy(parsing: inside) == policy, "\(inside)")
    #expect(try Policy.policy(inDefinition: definition(inside)) == policy, "\(inside)")
    #expect(RelaxNGSchema.policy.validate(inside) == .valid, "\(inside)")
  }

  @Test
  func `Its text is short, and stands in the definition as a person would write it`() throws {
    let policy = Policy(
      pool: "backups", kept: [.daily: 7, .weekly: 4], isQuiesced: true, excludedDisks: ["vdb"],
      verifyInterval: 604800)
    #expect(
      try policy.xml() == """
        <policy pool='backups' quiesce='yes'>
          <keep daily='7' weekly='4'/>
          <exclude disk='vdb'/>
          <verify every='604800'/>
        </policy>

        """)
  }

  @Test
  func `A definition without one has none, whatever else is in its metadata`() throws {
    #expect(try Policy.policy(inDefinition: definition("")) == nil)
    #expect(try Policy.policy(inDefinition: definition("<policy off='yes'/>")) == nil)
  }

  @Test(arguments: [
    ("<policy><retry/></policy>", "unknown element <retry> in <policy>"),
    ("<policy retry='2'/>", "unknown attribute 'retry' of <policy>"),
    ("<policy><keep daily='7' decades='1'/></policy>", "unknown attribute 'decades' of <keep>"),
    ("<policy><keep daily='0'/></policy>", "a number of <keep> is out of range"),
    ("<policy><keep daily='-1'/></policy>", "'daily' of <keep> is not a number in range"),
    ("<policy><keep daily='4294967296'/></policy>", "a number of <keep> is out of range"),
    ("<policy><keep/><keep/></policy>", "<policy> has more than one <keep>"),
    ("<policy><verify/></policy>", "<verify> has no 'every'"),
    ("<policy><verify every='1w'/></policy>", "'every' is not a number in range"),
    ("<policy><boot every='0'/></policy>", "a time of <policy> is out of range"),
    ("<policy><boot every='2147483648'/></policy>", "a time of <policy> is out of range"),
    (
      "<policy><exclude disk='vda'/><exclude disk='vda'/></policy>",
      "<policy> excludes a disk twice"
    ),
    ("<policy><exclude disk='a,b'/></policy>", "'disk' of <exclude> cannot name a disk"),
    ("<policy><exclude/></policy>", "<exclude> has no 'disk'"),
    ("<policy off='maybe'/>", "'off' of <policy> is neither 'yes' nor 'no'"),
    ("<policy pool=''/>", "'pool' of <policy> cannot name a pool"),
    ("<policy fleecing='a&#10;b'/>", "'fleecing' of <policy> cannot name a pool"),
    ("<policy compress='--pool x'/>", "'compress' of <policy> is not a word"),
    ("<policy>tonight</policy>", "unexpected text in <policy>"),
    ("<polity/>", "<polity> is not a <policy>"),
    (
      "<policy xmlns:a='urn:a'><a:keep daily='1'/></policy>", "unknown element <a:keep> in <policy>"
    ),
  ])
  func `What it does not know or cannot mean it refuses, and says what`(
    text: String, message: String
  ) throws {
    do {
      let policy = try Policy(parsing: text)
      Issue.record("\(text) was read as \(policy)")
    } catch {
      #expect(error.message == message)
    }
    // That a disk is named twice no schema can see.
    if !message.contains("twice") {
      #expect(RelaxNGSchema.policy.validate(inNamespace(text)) != .valid, "\(text)")
    }
  }

  @Test(arguments: [
    Policy(pool: ""), Policy(kept: [.daily: 0]), Policy(keptWithin: 0), Policy(compression: "a b"),
    Policy(excludedDisks: ["vda", "vda"]), Policy(verifyInterval: -1),
    Policy(scratchPool: "a\u{0}b"),
  ])
  func `What would not be read is not written`(policy: Policy) {
    #expect(throws: DomainXMLError.self) { try policy.xml() }
  }

  @Test
  func `A restored domain keeps its policy, a copy has none`() throws {
    let policy = Policy(kept: [.daily: 7])
    let text = definition(inNamespace(try policy.xml()))
    let restored = try RestoredDefinition(disks: []).apply(to: text)
    #expect(try Policy.policy(inDefinition: restored) == policy)
    let copy = try RestoredDefinition(
      disks: [],
      copy: .init(name: "web2", uuid: "11111111-2222-4333-8444-555555555555")
    ).apply(to: text)
    #expect(try Policy.policy(inDefinition: copy) == nil)
    #expect(copy.contains("<app:policy") && !copy.contains("virsh-backup/ns"))
    let alone = try RestoredDefinition(
      disks: [],
      copy: .init(name: "web2", uuid: "11111111-2222-4333-8444-555555555555")
    ).apply(to: text.replacing(/<app:policy[^>]*>/, with: ""))
    #expect(!alone.contains("metadata"))
  }
}
