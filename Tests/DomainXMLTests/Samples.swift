// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import DomainXML

/// Documents that several suites use.
enum Samples {
  static let domainUUID = "c7a5fdbd-edaf-9455-926a-d65c16db1809"
  static let pointUUID = "11111111-1111-4111-8111-111111111111"
  static let parentUUID = "22222222-2222-4222-8222-222222222222"
  static let chainUUID = "33333333-3333-4333-8333-333333333333"
  static let hostUUID = "44444444-4444-4444-8444-444444444444"

  /// A definition with what makes round trips hard: namespaces, entities, CDATA, odd layout.
  static let domain = """
    <domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
      <name>web1</name><uuid>\(domainUUID)</uuid>
      <title>a &lt;b> &amp; "c" 'd' ü 🙂</title>
      <metadata>
        <app:info xmlns:app='http://example.org/app' app:k='1&#10;2'><app:raw><![CDATA[x < y]]></app:raw>
          <plain xmlns='urn:other'><inner/></plain></app:info>
      </metadata>
      <!-- a comment -->
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='qcow2'/>
          <source file='/images/web1.qcow2' index='2'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
      <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
    </domain>
    """

  static let inactiveDomain = """
    <domain type='kvm'><name>web1</name><uuid>\(domainUUID)</uuid></domain>
    """

  /// A manifest that uses everything.
  static func manifest() throws -> Manifest {
    var manifest = Manifest(
      name: "20261122T020000Z", uuid: pointUUID, chain: chainUUID, sequence: 2,
      creationTime: 1_795_312_800, description: "before <the> \"upgrade\"\r\n\tto 'x' & y ",
      parent: parentUUID, consistency: .filesystem, isAutostart: true,
      disks: [
        .init(
          name: "vda", mode: .incremental, parent: parentUUID, isDifferential: true,
          capacity: 10_737_418_240, format: "raw",
          volume: .init(name: "web1.20261122T020000Z.vda.qcow2", size: 325_582_848)),
        .init(
          name: "vdb", mode: .full, parent: nil, reasonCode: "new_disk",
          reason: "disk added since \"20261121T020000Z\"", capacity: 0, format: "qcow2",
          volume: .init(name: #"we"b1 {'file', 'json'} & <b>.qcow2"#, size: 0)),
      ],
      nvram: .init(
        capacity: 540_672, volume: .init(name: "web1.20261122T020000Z.nvram.fd", size: 4096)),
      tpm: .init(capacity: 6123, volume: .init(name: "web1 <tpm>.permall", size: 8192)),
      domainName: "web1", domainUUID: domainUUID,
      domainXML: try DomainDefinition.normalized(domain),
      inactiveDomainXML: try DomainDefinition.normalized(inactiveDomain),
      unknownElements: [
        "<checksum algorithm='sha256'>abc</checksum>", "<x:y xmlns:x='urn:x' x:z='1'/>",
      ])
    manifest.guestInformation = ["hostname": "we'b", "os.pretty-name": "A <B> 12"]
    return manifest
  }

  /// A partial of an operation.
  static func partial(_ operation: Partial.Operation, helper: String? = nil) -> Partial {
    Partial(
      uuid: "55555555-5555-4555-8555-555555555555", pointName: "20261122T020000Z",
      domainName: "web1", domainUUID: domainUUID, host: .init(uuid: hostUUID),
      owner: .init(
        host: "client.example.org", bootID: "66666666-6666-4666-8666-666666666666", pid: 4711,
        startTime: 123_456), creationTime: 1_795_312_800, helper: helper, operation: operation)
  }

  /// Partials of NBD sessions: one that uses everything, one of a stored point, one with little.
  static let sessions: [Partial] = [
    partial(
      .session(
        .init(
          disks: [
            .init(
              disk: .init(
                name: "vda", scratchVolume: "scratch.qcow2", scratchDirectory: "/fast/scratch",
                node: "libvirt-2-format",
                device: "/machine/peripheral/virtio-disk0/virtio-backend"),
              export: "a \"b\" <ü>", exportBitmap: "changes of vda"),
            .init(
              disk: .init(name: "vdb", scratchVolume: nil, node: "", device: ""), export: "vdb",
              exportBitmap: "backup-vdb"),
          ], server: .init(transport: .tcp(host: "192.0.2.1", port: 10809), isTLS: true),
          parent: "monday", isSuspended: true, isFrozen: true))),
    partial(
      .session(
        .init(
          disks: [
            .init(
              disk: .init(name: "vda", scratchVolume: nil, node: "", device: ""), export: "vda",
              exportBitmap: "backup-vda")
          ], server: .init(transport: .unix(path: "/run/web1 'x'.sock"), isTLS: false),
          stored: pointUUID)), helper: "virsh-backup-0123456789ab"),
    partial(
      .session(
        .init(
          disks: [
            .init(
              disk: .init(name: "vda", scratchVolume: nil, node: "", device: ""), export: "vda",
              exportBitmap: "backup-vda")
          ], server: .init(transport: .tcp(host: "::1", port: nil), isTLS: false)))),
  ]

  /// A partial of every kind.
  static func partials() throws -> [Partial] {
    [
      partial(
        .create(
          manifest: try manifest(),
          disks: [
            .init(
              name: "vda", scratchVolume: "scratch.qcow2", scratchDirectory: "/fast",
              node: "libvirt-2-format",
              device: "/machine/peripheral/virtio-disk0/virtio-backend"),
            .init(name: "vdb", scratchVolume: nil, node: "", device: ""),
          ], isSuspended: true, isFrozen: false)),
      partial(
        .restore(
          .init(
            point: pointUUID,
            disks: [
              .init(
                name: "vda", temporaryPath: "/images/.web1 'x'.part", path: "/images/web1.qcow2"),
              .init(
                name: "vdb", temporaryPath: "/dev/vg/lv", path: "/dev/vg/lv", isDevice: true,
                replaced: .init(path: nil, isKept: false)),
              .init(
                name: "vdc", temporaryPath: "/images/c", path: "/images/c",
                replaced: .init(path: "/images/web1 &'c'.img", isKept: true)),
            ], definition: try DomainDefinition.normalized(domain), isStarted: true,
            isPaused: true,
            tpm: .init(
              volume: "a.tpm.permall", path: "/swtpm/'u'/tpm2/tpm2-00.permall", keepsOld: true),
            isAsync: true, replacedDefinition: "0123456789abcdef")),
        helper: "virsh-backup-0123456789ab"),
      partial(
        .restore(.init(point: pointUUID, disks: [], definition: nil, isStarted: false))),
      partial(
        .delete(
          .init(points: [
            .init(
              uuid: pointUUID, name: "a", manifest: "a.backup.xml",
              volumes: ["a.vda.qcow2", "a.vdb.qcow2"]),
            .init(uuid: parentUUID, manifest: "b.backup.xml", volumes: []),
          ]))),
    ] + sessions + [
      partial(
        .create(
          manifest: try manifest(),
          disks: [
            .init(
              name: "vda", scratchVolume: "a", node: "", device: "",
              target: .init(type: .file, path: "/copies/'a'.qcow2", format: "qcow2")),
            .init(
              name: "vdb", scratchVolume: "b", node: "", device: "",
              target: .init(type: .block, path: "/dev/vg/lv", format: "raw", isEncrypted: true)),
          ], isSuspended: true, isFrozen: false)),
      partial(
        .live(
          .init(
            point: pointUUID,
            disks: [
              .init(
                name: "vda", path: "/images/web1 'x'.qcow2",
                backing: ["b.vda.qcow2", "a.vda.qcow2"]),
              .init(name: "vdb", path: "/images/web1-data.qcow2", backing: ["a.vdb.qcow2"]),
            ], nvram: "/nvram/web1 'x'.fd",
            tpm: .init(volume: "a.tpm.permall", path: "/swtpm/u/tpm2/tpm2-00.permall")))),
      partial(
        .delete(
          .init(
            points: [
              .init(
                uuid: pointUUID, manifest: "a.backup.xml", volumes: ["a.vdc.qcow2"], isKept: true)
            ],
            merges: [
              .init(
                point: pointUUID, disk: "vda", volume: try manifest().disks[0].volume.name,
                parent: pointUUID, backing: "c.vda.qcow2")
            ], manifests: [try manifest()]))),
    ]
  }
}

extension String {
  /// The text with one part replaced, which must be there once.
  func replacingOnce(_ part: String, _ other: String) throws -> String {
    let ranges = self.ranges(of: part)
    guard let range = ranges.first, ranges.count == 1 else {
      throw DomainXMLError(reason: .invalid, message: "'\(part)' is there \(ranges.count) times")
    }
    return replacingCharacters(in: range, with: other)
  }

  private func replacingCharacters(in range: Range<Index>, with other: String) -> String {
    self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}

extension DomainDefinition {
  /// The definition in the form in which a manifest has it: with one way of quoting and escaping, and
  /// nothing around `<domain>`.
  static func normalized(_ text: String) throws -> String {
    try XMLElement(parsing: text).xml()
  }
}
