// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct BuildingTests {
  private static func helper(_ disks: [HelperDefinition.Disk]) -> HelperDefinition {
    HelperDefinition(
      name: "virsh-backup-0123456789ab", uuid: Samples.pointUUID, operation: Samples.parentUUID,
      client: "'host' 1", emulator: "/usr/bin/qemu-system-x86_64", disks: disks)
  }

  private static let chain: [DomainDefinition.Image] = [
    .init(source: .file("/pool/b 'c' <d>.qcow2"), format: "qcow2", index: 9),
    .init(source: .block("/dev/vg/a"), format: "qcow2", index: nil),
    .init(source: .volume(pool: "p", name: "v"), format: "qcow2", index: nil),
  ]

  @Test
  func `A helper domain opens its disks and nothing else`() throws {
    // What is in two chains is opened once, and may be written where one of them is to be.
    let helper = Self.helper([
      .init(chain: Self.chain), .init(chain: [Self.chain[1]], isReadOnly: false),
    ])
    #expect(helper.targets(of: 0) == ["sda", "sdb", "sdc"] && helper.targets(of: 1) == ["sdb"])
    let text = try helper.xml()
    #expect(
      text == """
        <domain type='qemu'>
          <name>virsh-backup-0123456789ab</name>
          <uuid>\(Samples.pointUUID)</uuid>
          <metadata>
            <vb:operation xmlns:vb='https://virsh-backup/ns/1' client='&apos;host&apos; 1'>\(Samples.parentUUID)</vb:operation>
          </metadata>
          <memory unit='MiB'>1</memory>
          <vcpu>1</vcpu>
          <os>
            <type arch='x86_64' machine='q35'>hvm</type>
          </os>
          <on_poweroff>destroy</on_poweroff>
          <on_reboot>destroy</on_reboot>
          <on_crash>destroy</on_crash>
          <devices>
            <emulator>/usr/bin/qemu-system-x86_64</emulator>
            <disk type='file' device='disk'>
              <driver name='qemu' type='raw'/>
              <source file='/pool/b &apos;c&apos; &lt;d&gt;.qcow2'/>
              <backingStore/>
              <target dev='sda' bus='scsi'/>
              <readonly/>
              <address type='drive' controller='0' bus='0' target='0' unit='0'/>
            </disk>
            <disk type='block' device='disk'>
              <driver name='qemu' type='raw'/>
              <source dev='/dev/vg/a'/>
              <backingStore/>
              <target dev='sdb' bus='scsi'/>
              <address type='drive' controller='0' bus='0' target='0' unit='1'/>
            </disk>
            <disk type='volume' device='disk'>
              <driver name='qemu' type='raw'/>
              <source pool='p' volume='v'/>
              <backingStore/>
              <target dev='sdc' bus='scsi'/>
              <readonly/>
              <address type='drive' controller='0' bus='0' target='0' unit='2'/>
            </disk>
            <controller type='scsi' index='0' model='virtio-scsi'/>
            <controller type='usb' model='none'/>
            <memballoon model='none'/>
          </devices>
        </domain>

        """)
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
    let definition = try DomainDefinition(parsing: text)
    #expect(definition.disks.map(\.source) == Self.chain.map(\.source))
    #expect(definition.disks.map(\.isReadOnly) == [true, false, true])
    #expect(try HelperDefinition.client(in: text) == "'host' 1")
  }

  @Test
  func `A chain can be one disk, as a domain would have it`() throws {
    let text = try Self.helper([.init(nested: Self.chain)]).xml()
    let disks = try DomainDefinition(parsing: text).disks
    #expect(disks.map { $0.chain.map(\.source) } == [Self.chain.map(\.source)])
    #expect(disks.first?.isReadOnly == true && disks.first?.format == "qcow2")
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
  }

  @Test
  func `Another architecture has no machine type of ours`() throws {
    var helper = Self.helper([])
    helper.architecture = "aarch64"
    helper.type = "kvm"
    helper.emulator = nil
    helper.client = nil
    let text = try helper.xml()
    #expect(try HelperDefinition.client(in: text) == nil)
    #expect(text.contains("<type arch='aarch64'>hvm</type>"))
    #expect(!text.contains("emulator"))
  }

  @Test(arguments: [
    (0, "sda"), (25, "sdz"), (26, "sdaa"), (51, "sdaz"), (52, "sdba"), (702, "sdaaa"),
  ])
  func `Targets are counted as libvirt counts them`(index: Int, target: String) {
    #expect(HelperDefinition.target(at: index) == target)
  }

  @Test
  func `A mark is known by its namespace, whatever its prefix`() throws {
    let mark =
      "<x:operation xmlns:x='https://virsh-backup/ns/1' client='c'>\(Samples.pointUUID)</x:operation>"
    #expect(
      try HelperDefinition.client(in: "<domain><metadata>\(mark)</metadata></domain>") == "c")
    for text in [
      "<domain/>", "<domain><metadata/></domain>", "<domain>\(mark)</domain>",
      "<domain><metadata><a>\(mark)</a></metadata></domain>",
      "<domain><metadata><operation client='c'/></metadata></domain>",
      "<domain><metadata><vb:operation xmlns:vb='urn:other' client='c'/></metadata></domain>",
    ] {
      #expect(try HelperDefinition.client(in: text) == nil)
    }
  }

  @Test
  func `An impossible helper is refused`() throws {
    let changes: [(inout HelperDefinition) -> Void] = [
      { $0.name = "web1" }, { $0.uuid = "x" }, { $0.operation = "x" }, { $0.type = "xen" },
      { $0.architecture = "" }, { $0.emulator = "qemu" }, { $0.disks = [.init(chain: [])] },
    ]
    for change in changes {
      var helper = Self.helper([.init(chain: Self.chain)])
      change(&helper)
      #expect(throws: DomainXMLError.self) { try helper.xml() }
    }
    let images: [(inout [DomainDefinition.Image]) -> Void] = [
      { $0[0].format = nil }, { $0[1].format = "" }, { $0[2].source = .none },
      { $0[2].format = "raw" }, { $0 = [] },
      { $0[0].source = .file("a") }, { $0[0].source = .file("/a\u{0}") },
      { $0[2].source = .other(type: "network") },
    ]
    for change in images {
      var chain = Self.chain
      change(&chain)
      #expect(throws: DomainXMLError.self) { try Self.helper([.init(chain: chain)]).xml() }
    }
  }

  @Test
  func `A helper opens a domain's disk as the domain does, but for what its guest sees`() throws {
    let definition = """
      <domain type='kvm'><name>web1</name><uuid>\(Samples.domainUUID)</uuid><devices>
        <disk type='network' device='disk' snapshot='no'>
          <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
          <source protocol='rbd' name='pool/image' index='3'>
            <host name='mon1'/><auth username='u'><secret type='ceph' usage='s'/></auth>
          </source>
          <backingStore type='file'><format type='raw'/><source file='/b'/><backingStore/></backingStore>
          <encryption format='luks'><secret type='passphrase' usage='e'/></encryption>
          <target dev='sdb' bus='scsi'/>
          <serial>4711</serial>
          <boot order='1'/>
        </disk>
        <disk type='file' device='disk'><source file='/x'/><target dev='sda'/></disk>
      </devices></domain>
      """
    let text = try Self.helper([
      .init(copying: "sdb", of: definition),
      .init(copying: "sda", of: definition, isReadOnly: false),
    ]).xml()
    let disks = try XMLElement(parsing: text).elements("devices").flatMap { $0.elements("disk") }
    let first = try #require(disks.first)
    #expect(
      first.elements.map(\.localName)
        == ["driver", "source", "backingStore", "encryption", "target", "readonly", "address"])
    #expect(first["type"] == "network" && first["snapshot"] == nil)
    #expect(first.element("target")?["dev"] == "sda")
    #expect(first.element("driver")?["cache"] == nil)
    #expect(first.element("source")?["name"] == "pool/image")
    #expect(first.element("source")?["index"] == nil)
    #expect(first.element("source")?.element("auth") != nil)
    #expect(disks.last?.element("driver")?["type"] == "raw")
    #expect(disks.last?.element("readonly") == nil)
    #expect(RelaxNGSchema.libvirt("domain")?.validate(text) ?? .valid == .valid)
    #expect(throws: DomainXMLError.self) {
      try HelperDefinition.Disk(copying: "vda", of: definition)
    }
  }

  @Test
  func `A qcow2 volume is of the compat that keeps zeroes`() throws {
    let text = try VolumeDefinition(
      name: "a'b.qcow2", capacity: 1 << 30, format: "qcow2",
      backing: .init(name: "a&b.qcow2", format: "qcow2"), owner: .init(owner: 64055, group: 109),
      label: "system_u:object_r:svirt_image_t:s0"
    ).xml()
    #expect(
      text == """
        <volume>
          <name>a'b.qcow2</name>
          <capacity unit='bytes'>1073741824</capacity>
          <allocation unit='bytes'>0</allocation>
          <target>
            <format type='qcow2'/>
            <permissions>
              <mode>0600</mode>
              <owner>64055</owner>
              <group>109</group>
              <label>system_u:object_r:svirt_image_t:s0</label>
            </permissions>
            <compat>1.1</compat>
          </target>
          <backingStore>
            <path>a&amp;b.qcow2</path>
            <format type='qcow2'/>
          </backingStore>
        </volume>

        """)
  }

  @Test
  func `Volumes are what libvirt's schema says`() throws {
    for format in ["raw", "qcow2"] {
      let text = try VolumeDefinition(name: "a", capacity: 0, format: format).xml()
      #expect(text.contains("compat") == (format == "qcow2"))
      #expect(RelaxNGSchema.libvirt("storagevol")?.validate(text) ?? .valid == .valid)
    }
  }

  @Test
  func `A volume can stand on a file elsewhere`() throws {
    let text = try VolumeDefinition(
      name: "a", capacity: 1, format: "qcow2", backing: .init(name: "/pool/b", format: "qcow2")
    ).xml()
    #expect(text.contains("<path>/pool/b</path>"))
    #expect(RelaxNGSchema.libvirt("storagevol")?.validate(text) ?? .valid == .valid)
  }

  @Test(arguments: [
    VolumeDefinition(name: "../a", capacity: 1, format: "raw"),
    VolumeDefinition(name: "", capacity: 1, format: "raw"),
    VolumeDefinition(name: "a", capacity: 1, format: ""),
    VolumeDefinition(name: "a", capacity: .max, format: "raw"),
    VolumeDefinition(name: "a", capacity: 1, format: "raw", mode: 0o10000),
    VolumeDefinition(
      name: "a", capacity: 1, format: "raw", backing: .init(name: "b", format: "raw")),
    VolumeDefinition(
      name: "a", capacity: 1, format: "qcow2", backing: .init(name: "/b/../c", format: "raw")),
    VolumeDefinition(
      name: "a", capacity: 1, format: "qcow2", backing: .init(name: "b/c", format: "raw")),
    VolumeDefinition(
      name: "a", capacity: 1, format: "qcow2", backing: .init(name: "json:{}", format: "raw")),
    VolumeDefinition(
      name: "a", capacity: 1, format: "qcow2", backing: .init(name: "b", format: "x y")),
  ])
  func `An impossible volume is refused`(volume: VolumeDefinition) {
    #expect(throws: DomainXMLError.self) { try volume.xml() }
  }

  @Test
  func `A directory becomes a pool`() throws {
    let pool = PoolDefinition(name: "a & b", directory: "/srv/<x>")
    let text = try pool.xml()
    #expect(try PoolDefinition(parsing: text) == pool)
    #expect(RelaxNGSchema.libvirt("storagepool")?.validate(text) ?? .valid == .valid)
  }

  @Test(arguments: [
    ("a", "x"), ("a", "/x/../y"), ("", "/x"), ("a/b", "/x"), ("a/\u{301}b", "/x"), ("a\n", "/x"),
  ])
  func `An impossible pool is refused`(name: String, directory: String) {
    #expect(throws: DomainXMLError.self) {
      try PoolDefinition(name: name, directory: directory).xml()
    }
  }

  @Test
  func `A pool's definition is read`() throws {
    let pool = try PoolDefinition(
      parsing: """
        <pool type='dir'>
          <name>backups</name>
          <uuid>\(Samples.pointUUID.uppercased())</uuid>
          <capacity unit='bytes'>1</capacity>
          <source/>
          <target>
            <path>/srv/backups</path>
            <permissions><mode>0711</mode><owner>0</owner><group>109</group></permissions>
          </target>
        </pool>
        """)
    #expect(pool.name == "backups")
    #expect(pool.uuid == Samples.pointUUID)
    #expect(pool.type == "dir")
    #expect(pool.path == "/srv/backups")
    #expect(pool.mode == 0o711)
    #expect(pool.owner == FileOwner(owner: 0, group: 109))
    var logical = try PoolDefinition(parsing: "<pool type='logical'><name>vg</name></pool>")
    #expect(
      logical.path == nil && logical.uuid == nil && logical.mode == nil && logical.owner == nil)
    logical.path = "/dev/vg"
    #expect(throws: DomainXMLError.self) { try logical.xml() }
  }

  @Test(arguments: [
    "<volume/>", "<pool/>", "<pool type='dir'/>", "<pool><name>a</name></pool>",
    "<pool type='dir'><name>a</name><uuid>x</uuid></pool>", "",
  ])
  func `What is no pool is refused`(text: String) {
    #expect(throws: DomainXMLError.self) { try PoolDefinition(parsing: text) }
  }

  @Test
  func `Capabilities say who the host is and whom files belong to`() throws {
    let capabilities = try HostCapabilities(
      parsing: """
        <capabilities><host><uuid>\(Samples.hostUUID.uppercased())</uuid>
          <secmodel><model>none</model><doi>0</doi></secmodel>
          <secmodel><model>dac</model><doi>0</doi>
            <baselabel type='kvm'>+64055:+109</baselabel><baselabel type='qemu'>root:root</baselabel>
          </secmodel>
          <secmodel><model>apparmor</model><doi>0</doi><baselabel type='kvm'>x</baselabel></secmodel></host></capabilities>
        """)
    #expect(capabilities.hostUUID == Samples.hostUUID)
    #expect(capabilities.dacLabels == ["kvm": "+64055:+109", "qemu": "root:root"])
    #expect(capabilities.owner(ofDomainType: "kvm") == FileOwner(owner: 64055, group: 109))
    #expect(capabilities.owner(ofDomainType: "qemu") == nil)
    #expect(capabilities.owner(ofDomainType: "xen") == nil)
    let empty = try HostCapabilities(parsing: "<capabilities/>")
    #expect(empty.hostUUID == nil && empty.dacLabels.isEmpty)
  }

  @Test(arguments: ["<domain/>", "", "<capabilities><host><uuid>x</uuid></host></capabilities>"])
  func `What are no capabilities is refused`(text: String) {
    #expect(throws: DomainXMLError.self) { try HostCapabilities(parsing: text) }
  }
}
