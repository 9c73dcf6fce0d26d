// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// `<domainbackup>` documents beside what libvirt makes of them.
struct DocumentTests {
  /// Documents that both accept, for a domain with vda and vdb, a checkpoint and a point c1.
  static let accepted = [
    "<domainbackup/>",
    "<domainbackup mode='push'><incremental>c1</incremental></domainbackup>",
    """
    <domainbackup><disks><disk name='vdb' type='file'><target file='@/b'/></disk>
    <disk name='vda' backup='yes' type='file' backupmode='full'><driver type='raw'/>
    <target file='@/a'/></disk></disks></domainbackup>
    """,
    """
    <domainbackup><incremental>c1</incremental><!-- c --><disks>
    <disk name='vda' type='file'><target file='@/a &amp; &lt;b&gt;'/><driver type='qcow2'/></disk>
    <disk name='vdb' backup='no'/></disks></domainbackup>
    """,
    """
    <domainbackup><disks><disk name='vda' type='file' incremental='c1'><target file='@/a'/></disk>
    <disk name='vdb' type='file' backupmode='full'><target file='@/b'/></disk></disks></domainbackup>
    """,
  ]

  @Test(arguments: LibvirtMode.available)
  func `the document with every choice made is the one libvirt shows`(mode: LibvirtMode) throws {
    let scene = try DocumentScene(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 256 << 20), TestDisk("vdb", size: 256 << 20)])
    defer { scene.remove() }
    let domain = scene.scene.domain
    // Enough to be caught while it is copied.
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 7 0 255M") }
    try domain.libvirt.virsh("checkpoint-create-as", domain.name, "c1")
    try scene.scene.run("backup-create", "--backupname", "c1").expectSuccess()
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 8 0 255M") }
    for text in Self.accepted {
      // What nothing is said of is full to libvirt; we would choose.
      let more = text == "<domainbackup/>" ? ["--full"] : []
      let ours = try scene.create(text, ["--print-xml"] + more).expectSuccess().stdout
      let path = try scene.document(ours, name: "again.xml")
      let again = try Program.expectSuccess(
        domain.libvirt, "backup-create", domain.name, "--xmlfile", path, "--print-xml", "--pool",
        scene.scene.pool.name)
      #expect(again == ours, "\(text)")
      #expect(try scene.copies() == [], "what was only printed makes no copies")
      let theirs = try shown(text, scene)
      #expect(common(ours, isPoint: !text.contains("<target")) == common(theirs), "\(text)")
    }
    try scene.scene.expectNoStrays()
  }

  /// What libvirt shows of a backup while it runs; it is aborted then.
  private func shown(_ text: String, _ scene: DocumentScene) throws -> String {
    let domain = scene.scene.domain
    try scene.backupBegin(text).expectSuccess()
    // It cannot end while QEMU stands still.
    let pid = try #require(domain.libvirt.qemuPID(domain: domain.name))
    kill(pid, SIGSTOP)
    defer {
      kill(pid, SIGCONT)
      _ = try? domain.libvirt.virsh("domjobabort", domain.name)
    }
    let shown = try domain.libvirt.virsh("backup-dumpxml", domain.name)
    kill(pid, SIGCONT)
    _ = try? domain.libvirt.virsh("domjobabort", domain.name)
    try eventually("libvirt's backup ends") {
      try domain.libvirt.virsh("domjobinfo", domain.name).contains("None")
    }
    for copy in try scene.copies() { try FileManager.default.removeItem(atPath: scene.path(copy)) }
    return shown
  }

  /// What both documents have: without libvirt's numbers of nodes and the names it makes up.
  private func common(_ text: String, isPoint: Bool = false) -> [String] {
    var lines = text.replacing(#/ index='[0-9]+'/#, with: "").split(separator: "\n")
    lines.removeAll { $0.contains(".img.") || $0.contains(".qcow2.") }
    return lines.map(String.init)
  }

  /// Documents that both refuse, where libvirt's words name the culprit.
  static let refused = [
    "<foo/>", "", "<domainbackup", "<domainbackup>\n <disks>\n\t<disk name=vda/></disks>",
    "<domainbackup><disks><disk name='vdz' type='file'/></disks></domainbackup>",
    """
    <domainbackup><disks><disk name='vda' type='file'><target file='@/a'/></disk>
    <disk name='vda' backup='no'/></disks></domainbackup>
    """,
    "<domainbackup><disks><disk name='vda' backup='no'/></disks></domainbackup>",
    """
    <domainbackup><disks><disk name='vda' type='file' backupmode='incremental'>
    <target file='@/a'/></disk></disks></domainbackup>
    """,
    """
    <domainbackup><disks><disk name='vda' type='file'><target file='/nonexistent/a'/></disk>
    </disks></domainbackup>
    """,
    """
    <domainbackup><disks><disk name='vdb' type='file'><target file='@/document.xml'/></disk>
    </disks></domainbackup>
    """,
    "<domainbackup mode='pull'><server name='localhost' port='70000'/></domainbackup>",
  ]

  /// Documents that both refuse, where libvirt names no culprit, and what we name.
  static let better = [
    (
      "<domainbackup>\n<disks>\n\n<disk name='vda' foo='1'/></disks></domainbackup>",
      "XML error: line 4: unknown attribute 'foo' of <disk>"
    ),
    (
      "<domainbackup><foo/></domainbackup>",
      "XML error: line 1: unknown element <foo> in <domainbackup>"
    ),
    ("<domainbackup mode='both'/>", "XML error: line 1: invalid value 'both' for attribute 'mode'"),
    (
      "<domainbackup mode=' push '/>",
      "XML error: line 1: invalid value ' push ' for attribute 'mode'"
    ),
    (
      "<domainbackup><disks><disk name='vda' type='file' incremental='nope'><target file='@/a'/></disk></disks></domainbackup>",
      "Domain backup not found: no domain backup with matching name 'nope'"
    ),
    (
      """
      <domainbackup><disks><disk name='vda' type='file'><target file='@/a'/></disk>
      <disk name='vdb' type='file'><target file='@/a'/></disk></disks></domainbackup>
      """, "invalid argument: store '@/a' for backup of 'vdb' exists"
    ),
  ]

  /// Documents that we refuse, and libvirt 9.0; newer versions give the disks targets of their own.
  static let withoutTarget = [
    (
      "<domainbackup><disks><disk name='vda' type='block'/></disks></domainbackup>",
      "unsupported configuration: disk 'vda' is of type 'block' and has no <target>"
    ),
    (
      """
      <domainbackup><disks><disk name='vda' type='file'><target file='@/a'/></disk>
      <disk name='vdb' type='file'/></disks></domainbackup>
      """, "unsupported configuration: disk 'vdb' has no <target> and disk 'vda' has one"
    ),
  ]

  @Test(arguments: LibvirtMode.available)
  func `what libvirt refuses is refused, in its words or better ones`(mode: LibvirtMode) throws {
    let scene = try DocumentScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    for text in Self.refused {
      let (ours, theirs) = (try scene.create(text), try scene.backupBegin(text))
      #expect(ours.status == 1 && theirs.status == 1, "\(text)")
      #expect(ours.firstError == theirs.firstErrorOfLibvirt, "\(text)")
    }
    for (text, words) in Self.better {
      let (ours, theirs) = (try scene.create(text), try scene.backupBegin(text))
      #expect(ours.status == 1 && theirs.status == 1, "\(text)")
      let expected = words.replacing("@", with: scene.directory)
      #expect(ours.firstError.hasPrefix(expected), "\(ours)")
    }
    for (text, words) in Self.withoutTarget {
      let ours = try scene.create(text)
      #expect(ours.status == 1 && ours.firstError.hasPrefix(words), "\(ours)")
    }
    let pull = try scene.create(
      "<domainbackup mode='pull'><server name='localhost'/></domainbackup>")
    #expect(pull.status == 1 && pull.stderr.contains("backup-start-nbd"), "\(pull)")
    for (path, words) in [
      ("/x.xml", "Failed to open file '/x.xml': No such file or directory"),
      ("/tmp", "Failed to read file '/tmp': Is a directory"),
      ("/dev/zero", "XML error: the document is larger than 8 MiB"),
    ] {
      let result = try scene.scene.run("backup-create", "--xmlfile", path)
      #expect(result.status == 1 && result.firstError == words, "\(result)")
    }
    let name = try scene.scene.run("backup-create", "monday")
    #expect(
      name.stderr == """
        error: Failed to open file 'monday': No such file or directory
        To name the backup: --backupname monday

        """)
    #expect(try scene.copies() == [])
    #expect(try scene.scene.pool.files() == [])
    try scene.scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a document without targets makes a point, and options go before it`(
    mode: LibvirtMode
  ) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    let scene = document.scene
    defer { document.remove() }
    var references: [String: [String: ReferenceImage]] = [:]
    func create(_ point: String, _ text: String, _ more: [String] = []) throws -> String {
      try scene.domain.write("vda", "write -P \(references.count + 1) 1M 100k")
      try scene.domain.write("vdb", "write -P \(references.count + 1) 2M 100k")
      references[point] = try scene.domain.save()
      let path = try document.document(text)
      return try Program.run(
        scene.libvirt,
        scene.arguments("backup-create", [path, "--backupname", point] + more)
      ).expectSuccess().stdout
    }
    func modes(_ point: String) throws -> [String] {
      try scene.run("backup-info", point, "--json").expectSuccess().stdout
        .matches(of: #/"mode":"([a-z]+)"/#).map { String($0.1) }
    }
    #expect(try create("p1", "<domainbackup/>").contains("Domain backup p1 created"))
    _ = try create("p2", "<domainbackup><disks><disk name='vdb'/></disks></domainbackup>")
    #expect(try modes("p2") == ["incremental"], "what nothing is said of is chosen")
    _ = try create(
      "p3", "<domainbackup><disks><disk name='vdb' backupmode='full'/></disks></domainbackup>",
      ["--diskspec", "vda"])
    #expect(try modes("p3") == ["incremental", "full"])
    _ = try create(
      "p4", "<domainbackup><incremental>p3</incremental></domainbackup>")
    _ = try create("p5", "<domainbackup><incremental>p3</incremental></domainbackup>")
    #expect(try modes("p5") == ["incremental", "incremental"], "again and again")
    _ = try create("p6", "<domainbackup><incremental>p3</incremental></domainbackup>", ["--full"])
    #expect(try modes("p6") == ["full", "full"])
    #expect(try scene.differences("p2", references["p2"]?.filter { $0.key == "vdb" } ?? [:]) == [])
    for point in ["p1", "p3", "p4", "p5", "p6"] {
      #expect(try scene.differences(point, references[point] ?? [:]) == [])
    }
    let input = try document.create(
      "<domainbackup><incremental>p6</incremental></domainbackup>", ["--print-xml"])
    #expect(
      try input.expectSuccess().stdout == """
        <domainbackup mode='push'>
          <incremental>p6</incremental>
          <disks>
            <disk name='vda' backup='yes' type='file' backupmode='incremental' incremental='p6'>
              <driver type='qcow2'/>
            </disk>
            <disk name='vdb' backup='yes' type='file' backupmode='incremental' incremental='p6'>
              <driver type='qcow2'/>
            </disk>
          </disks>
        </domainbackup>


        """)
    let automatic = try scene.run("backup-create", "--print-xml", "--diskspec", "vdb,backup=no")
    #expect(automatic.stdout.contains("<disk name='vdb' backup='no'/>"))
    #expect(automatic.stdout.contains("incremental='p6'"))
    if mode == .system {
      // A session's client is another user than the one whose pipe this is.
      let typed = try Program.run(
        scene.libvirt, scene.arguments("backup-create", ["/dev/stdin", "--print-xml"]),
        input: Array("<domainbackup><incremental>p6</incremental></domainbackup>".utf8))
      #expect(try typed.expectSuccess().stdout == input.stdout)
    }
    #expect(try scene.points().count == 6)
  }
}
