// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import DomainXML

struct OffendersTests {
  private static let emulators: Set = ["/usr/bin/qemu-system-x86_64"]

  private func offenders(_ text: String) throws -> [String] {
    try DomainDefinition.offenders(
      in: text, restoring: ["vda", "vdb", "sdb"], emulators: Self.emulators)
  }

  private static func domain(_ elements: String, devices: String = "") -> String {
    """
    <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' xmlns:o='urn:o'>
    <name>web1</name><uuid>\(Samples.domainUUID)</uuid>\(elements)<devices>\(devices)</devices></domain>
    """
  }

  @Test
  func `An ordinary guest has no offenders but its own socket`() throws {
    #expect(
      try offenders(Samples.liveDomain) == [
        "<channel> of type 'unix' at '/sockets/web1.sock'"
      ])
  }

  @Test(arguments: [
    "<video><model type='virtio' heads='1'><acceleration accel3d='no'/></model></video>",
    "<input type='tablet' bus='usb'/>", "<sound model='ich9'/>", "<audio id='1' type='none'/>",
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
    "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "<redirdev bus='usb' type='spicevmc'/>", "<watchdog model='i6300esb' action='reset'/>",
    "<graphics type='vnc'><listen type='socket' socket='/var/lib/libvirt/qemu/domain-7-web1/vnc.sock'/></graphics>",
    "<disk type='file' device='cdrom'><source startupPolicy='optional'/><target dev='sdx'/></disk>",
    "<rng><backend model='builtin'/></rng>",
    "<interface type='network'><source network='x'/></interface>",
    "<memory model='dimm'><target><size>1</size></target></memory>",
    "<emulator>/usr/bin/qemu-system-x86_64</emulator>",
    "<disk type='block'><source dev='/dev/sda'><reservations managed='no'><source path='/x'/></reservations></source><backingStore type='file'><source file='/x'/></backingStore><target dev='vda'/></disk>",
    "<controller type='pci' index='0' model='pcie-root'/>",
    "<crypto model='virtio'><backend model='builtin'/></crypto>",
  ])
  func `A harmless device does not offend`(device: String) throws {
    #expect(try offenders(Self.domain("", devices: device)) == [])
  }

  @Test(arguments: [
    "<emulator>/tmp/qemu</emulator>", "<emulator>/usr/bin/qemu-system-x86_64\n</emulator>",
    "<emulator/>",
    "<hostdev mode='subsystem' type='pci'/>",
    "<filesystem type='mount'><source dir='/'/></filesystem>",
    "<filesystem/>", "<shmem name='x'/>", "<lease/>", "<pstore/>", "<tomorrow/>",
    "<disk type='file'><source file='/etc/shadow'/><target dev='sdx'/></disk>",
    "<disk type='file' device='cdrom'><source file='x.iso'/><target dev='sdx'/></disk>",
    "<disk type='block'><source dev='/dev/sda'/><target dev='sdx'/></disk>",
    "<disk type='network'><source protocol='nbd' name='x'><host name='h'/></source><target dev='sdx'/></disk>",
    "<disk type='dir'><target dev='sdx'/></disk>",
    "<disk type='vhostuser'><source type='unix' path='/s'/><target dev='sdx'/></disk>",
    "<disk type='file'><source><slices/></source><target dev='sdx'/></disk>",
    "<disk type='file'><backingStore type='file'><source file='/x'/></backingStore><target dev='sdx'/></disk>",
    "<disk type='file'><mirror file='/x'/><target dev='sdx'/></disk>",
    "<disk type='file'><source file='/x'/><target dev='vda'/><target dev='sdx'/></disk>",
    "<disk type='file'><driver tomorrow='/x'/><target dev='vda'/></disk>",
    "<disk type='file'><tomorrow/><target dev='vda'/></disk>",
    "<disk type='file'><source/><source file='/x'/><target dev='sdx'/></disk>",
    "<serial type='file'><source path='/etc/cron.d/x'/></serial>",
    "<input type='tablet' bus='usb' x='/\u{301}x'/>",
    "<serial type='dev'><source path='/dev/ttyS0'/></serial>",
    "<console type='pipe'><source path='/x'/></console>",
    "<parallel type='file'><source path='x'/></parallel>",
    "<channel type='unix'><source mode='bind' path='/run/x'/></channel>",
    "<channel type='unix'><source mode='bind' path='/run/libvirt/qemu/../../x'/></channel>",
    "<channel type='unix'><source mode='bind' path='x'/></channel>",
    "<channel type='unix'><source mode='connect'/></channel>",
    "<channel type='unix'><source mode='connect' path='/run/libvirt/qemu/x'/></channel>",
    "<serial type='unix'><source mode='bind' path='/run/libvirt/qemu/x'/></serial>",
    "<serial type='tcp'><source mode='connect' host='h' service='1'/></serial>", "<serial/>",
    "<serial type='pty'><log file='/etc/cron.d/x'/></serial>",
    "<serial type='pty'><log file='x'/></serial>",
    "<redirdev type='tcp'><source host='h'/></redirdev>",
    "<redirdev type='unix'><source path='/x'/></redirdev>",
    "<smartcard mode='host'/>",
    "<smartcard mode='host-certificates'><database>/x</database></smartcard>",
    "<smartcard mode='passthrough' type='tcp'/>",
    "<interface type='network'><script path='/x'/></interface>",
    "<interface type='network'><downscript path='/x'/></interface>",
    "<interface type='ethernet'/>", "<interface type='user'><portForward proto='tcp'/></interface>",
    "<controller><metadata><o:x/></metadata></controller>", "<interface type='vhostuser'/>",
    "<interface type='hostdev'/>",
    "<interface/>",
    "<interface type='direct'><source dev='eth0' mode='passthrough'/></interface>",
    "<interface type='user'><backend type='passt' logFile='/x'/></interface>",
    "<interface type='network'><backend vhost='/dev/vhost-net'/></interface>",
    "<interface type='network'><rom file='x'/></interface>",
    "<video><model><acceleration rendernode='x'/></model></video>",
    "<video><driver vgaconf='/x'/></video>", "<graphics type='sdl'/>",
    "<graphics type='vnc' socket='/x'/>",
    "<graphics type='vnc' socket='x'/>",
    "<graphics type='vnc'><listen type='socket' socket='/x'/></graphics>",
    "<graphics type='egl-headless'><gl rendernode='/dev/dri/renderD128'/></graphics>",
    "<input type='passthrough'><source evdev='/dev/input/event1'/></input>",
    "<input type='evdev'><source dev='/dev/input/event1'/></input>",
    "<audio type='file' path='x'/>", "<audio type='oss'><input dev='/dev/dsp'/></audio>",
    "<audio type='pulseaudio' serverName='x'/>",
    "<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
    "<tpm><backend type='external'><source type='unix' path='/x'/></backend></tpm>",
    "<tpm><backend type='emulator'><source type='file' path='x'/></backend></tpm>",
    "<rng><backend model='random'>/etc/shadow</backend></rng>",
    "<rng><backend model='egd' type='udp'/></rng>",
    "<memory model='nvdimm'><source><path>x</path></source></memory>",
    "<memory><target><x>/x</x></target></memory>",
    "<controller type='x'><o:x/></controller>", "<controller o:file='x'/>", "<qemu:device/>",
    "<crypto><backend model='lkcf'/></crypto>", "<sound file='x'/>",
  ])
  func `A device that reaches the host offends`(device: String) throws {
    #expect(try !offenders(Self.domain("", devices: device)).isEmpty)
  }

  @Test(arguments: [
    "<qemu:commandline><qemu:arg value='x'/></qemu:commandline>", "<qemu:capabilities/>",
    "<qemu:override/>", "<o:commandline/>", "<tomorrow/>", "<launchSecurity type='sev'/>",
    "<seclabel type='none'/>", "<seclabel type='static' model='dac'><label>0:0</label></seclabel>",
    "<seclabel type='dynamic' relabel='no'/>", "<seclabel><baselabel>x</baselabel></seclabel>",
    "<os><kernel>/boot/vmlinuz</kernel></os>", "<os><initrd>x</initrd></os>",
    "<os><dtb>/x</dtb></os>",
    "<os><init>/bin/sh</init></os>", "<os><loader>/tmp/x</loader></os>",
    "<os><loader>x</loader></os>",
    "<os><loader>/usr/share/../../tmp/x</loader></os>", "<os><cmdline>x</cmdline></os>",
    "<os><nvram>/var/lib/libvirt/qemu/nvram/other_VARS.fd</nvram></os>",
    "<os><nvram template='/x'/></os>",
    "<os><nvram type='block'><source dev='/dev/sda'/></nvram></os>",
    "<os><nvram type='network'><source protocol='nbd'/></nvram></os>",
    "<os><acpi><table type='slic'>/x</table></acpi></os>", "<os><tomorrow/></os>",
    "<sysinfo type='fwcfg'><entry name='opt/x' file='/etc/shadow'/></sysinfo>",
    "<sysinfo type='smbios'><system><entry name='x' file='y'/></system></sysinfo>",
    "<memoryBacking><source type='file'/></memoryBacking>",
    "<memoryBacking><tomorrow/></memoryBacking>",
    "<resource><partition>/other</partition></resource>", "<idmap/>", "<bootloader>/x</bootloader>",
    "<blkiotune><device><path>/dev/sda</path></device></blkiotune>",
    "<features><o:x/></features>", "<vcpu o:x='y'>1</vcpu>", "<cpu><p:x xmlns:p='urn:p'/></cpu>",
  ])
  func `An element that reaches the host offends`(element: String) throws {
    #expect(try !offenders(Self.domain(element)).isEmpty)
  }

  @Test(arguments: [
    "<metadata><o:x o:file='/x'/></metadata>", "<os><type>hvm</type><boot dev='hd'/></os>",
    "<os firmware='efi'><loader secure='yes'/><nvram template='/usr/share/x'>/var/lib/libvirt/qemu/nvram/web1_VARS.fd</nvram></os>",
    "<sysinfo type='smbios'><bios><entry name='vendor'>/x</entry></bios></sysinfo>",
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
    "<seclabel type='dynamic' model='dac' relabel='yes'><label>x</label></seclabel>",
    "<resource><partition>/machine</partition></resource>",
    "<cputune/><features/><cpu/><clock/><pm/>",
  ])
  func `A harmless element does not offend`(element: String) throws {
    #expect(try offenders(Self.domain(element)) == [])
  }

  @Test
  func `A type that is not QEMU's offends`() throws {
    let text = "<domain type='lxc'><name>a</name><uuid>\(Samples.domainUUID)</uuid></domain>"
    #expect(try offenders(text) == ["domain of type 'lxc'"])
  }

  @Test
  func `Every offender is named once`() throws {
    let text = Self.domain(
      "<qemu:commandline/>",
      devices: "<hostdev type='pci'/><hostdev type='pci'/><emulator>/tmp/q</emulator>"
        + "<disk type='file' device='cdrom'><source file='/iso/x.iso'/><target dev='sdc'/></disk>")
    #expect(
      try offenders(text) == [
        "<qemu:commandline>", "<hostdev> of type 'pci'", "<emulator> '/tmp/q'",
        "disk 'sdc' of type 'file' at '/iso/x.iso'",
      ])
  }
}
