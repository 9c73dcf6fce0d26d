// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Samples {
  /// What `virDomainGetXMLDesc` says of a running domain, with all that a restore must change.
  static let liveDomain = """
    <domain type='kvm' id='7'>
      <name>web1</name>
      <uuid>\(domainUUID)</uuid>
      <genid>77777777-7777-4777-8777-777777777777</genid>
      <metadata>
        <app:info xmlns:app='http://example.org/app'>kept</app:info>
        <vb:operation xmlns:vb='https://virsh-backup/ns/1'>\(pointUUID)</vb:operation>
      </metadata>
      <memory unit='KiB'>1048576</memory>
      <vcpu placement='static'>2</vcpu>
      <resource>
        <partition>/machine</partition>
      </resource>
      <sysinfo type='smbios'>
        <system>
          <entry name='uuid'>\(domainUUID)</entry>
        </system>
      </sysinfo>
      <os>
        <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
        <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
        <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/var/lib/libvirt/qemu/nvram/web1_VARS.fd</nvram>
        <boot dev='hd'/>
      </os>
      <features>
        <acpi/>
      </features>
      <on_crash>destroy</on_crash>
      <devices>
        <emulator>/usr/bin/qemu-system-x86_64</emulator>
        <disk type='file' device='disk'>
          <driver name='qemu' type='qcow2' discard='unmap'/>
          <source file='/images/web1.snap' index='4'/>
          <backingStore type='file' index='2'>
            <format type='qcow2'/>
            <source file='/images/web1.qcow2'/>
            <backingStore type='block' index='3'>
              <format type='raw'/>
              <source dev='/dev/vg/base'/>
              <backingStore/>
            </backingStore>
          </backingStore>
          <target dev='vda' bus='virtio'/>
          <alias name='virtio-disk0'/>
          <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
        </disk>
        <disk type='volume' device='disk'>
          <driver name='qemu' type='raw'/>
          <source pool='default' volume='web1-vdb' index='1'/>
          <backingStore/>
          <target dev='vdb' bus='virtio'/>
          <alias name='ua-data'/>
        </disk>
        <disk type='file' device='cdrom'>
          <target dev='sda' bus='sata'/>
          <readonly/>
        </disk>
        <disk type='network' device='disk'>
          <driver name='qemu' type='raw'/>
          <auth username='u'>
            <secret type='ceph' usage='x'/>
          </auth>
          <source protocol='rbd' name='pool/image'>
            <host name='mon'/>
            <encryption format='luks'>
              <secret type='passphrase' uuid='\(pointUUID)'/>
            </encryption>
          </source>
          <target dev='sdb' bus='scsi'/>
          <transient/>
        </disk>
        <controller type='usb' index='0' model='none'/>
        <interface type='bridge'>
          <mac address='52:54:00:11:22:33'/>
          <source network='default' portid='\(pointUUID)' bridge='virbr0'/>
          <target dev='vnet3'/>
          <model type='virtio'/>
          <alias name='net0'/>
        </interface>
        <interface type='bridge'>
          <mac address='00:11:22:33:44:55'/>
          <source bridge='br0'/>
          <target dev='tap-web1'/>
          <virtualport type='openvswitch'>
            <parameters interfaceid='\(pointUUID)'/>
          </virtualport>
        </interface>
        <serial type='pty'>
          <source path='/dev/pts/3'/>
          <target type='isa-serial' port='0'/>
        </serial>
        <console type='pty' tty='/dev/pts/3'>
          <source path='/dev/pts/3'/>
          <target type='serial' port='0'/>
        </console>
        <channel type='unix'>
          <source mode='bind' path='/run/libvirt/qemu/channel/7-web1/org.qemu.guest_agent.0'/>
          <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
        </channel>
        <channel type='unix'>
          <source mode='bind' path='/sockets/web1.sock'/>
          <target type='virtio' name='org.example.0'/>
        </channel>
        <graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1'>
          <listen type='address' address='127.0.0.1'/>
        </graphics>
        <graphics type='spice' port='5911' autoport='no'>
          <listen type='network' address='192.0.2.1' network='default'/>
        </graphics>
        <memballoon model='none'/>
        <rng model='virtio'>
          <backend model='random'>/dev/urandom</backend>
        </rng>
        <vsock model='virtio'>
          <cid auto='no' address='42'/>
        </vsock>
      </devices>
      <seclabel type='dynamic' model='apparmor' relabel='yes'>
        <label>libvirt-\(domainUUID)</label>
        <imagelabel>libvirt-\(domainUUID)</imagelabel>
      </seclabel>
      <seclabel type='dynamic' model='dac' relabel='yes'>
        <label>+64055:+64055</label>
        <imagelabel>+64055:+109</imagelabel>
      </seclabel>
    </domain>
    """
}
