// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What the engine needs to know of a domain's definition (`virDomainGetXMLDesc`).
package struct DomainDefinition: Sendable, Equatable {
  /// A `<seclabel>` of the live definition.
  package struct SecurityLabel: Sendable, Equatable {
    /// `dac`, `selinux`, `apparmor`.
    package var model: String
    /// The label QEMU runs under: `+64055:+64055` for `dac`.
    package var label: String?
    /// The label of its images.
    package var imageLabel: String?

    /// Makes a label.
    package init(model: String, label: String?, imageLabel: String?) {
      self.model = model
      self.label = label
      self.imageLabel = imageLabel
    }
  }

  /// Where a disk's data is.
  package enum Source: Sendable, Hashable {
    /// A file, by absolute path.
    case file(String)
    /// A block device, by absolute path.
    case block(String)
    /// A volume of a storage pool.
    case volume(pool: String, name: String)
    /// Another kind (`network`, `nvme`, `vhostuser`, `dir`), which only its type is kept of.
    case other(type: String)
    /// An empty drive.
    case none
  }

  /// One image of a disk's active chain.
  package struct Image: Sendable, Equatable {
    /// Where it is.
    package var source: Source
    /// Its format (`qcow2`, `raw`); nil where the definition does not say.
    package var format: String?
    /// `index` of its `<source>` in a live definition: its nodes are `libvirt-INDEX-format` and
    /// `libvirt-INDEX-storage`.
    package var index: Int?

    /// Makes the description of an image.
    package init(source: Source, format: String?, index: Int?) {
      self.source = source
      self.format = format
      self.index = index
    }
  }

  /// A `<disk>`.
  package struct Disk: Sendable, Equatable {
    /// The target name, `vda`.
    package var target: String
    /// `bus` of the target (`virtio`, `scsi`, `sata`, ...).
    package var bus: String?
    /// `disk`, `cdrom`, `floppy` or `lun`.
    package var device: String
    /// The active layer first, then its `<backingStore>` chain as far as it is spelled out.
    package var chain: [Image]
    /// `<readonly/>`.
    package var isReadOnly: Bool
    /// `<transient/>`.
    package var isTransient: Bool
    /// `<shareable/>`: other domains may write to it.
    package var isShareable: Bool
    /// `<encryption>` on the disk or its source.
    package var isEncrypted: Bool
    /// The device's alias in a live definition (`virtio-disk0`).
    package var alias: String?
    /// Whether a thread of its own (`<iothreads>`) serves the disk, or some SCSI disks of the domain.
    package var hasIOThread = false

    /// Makes the description of a disk.
    package init(
      target: String, bus: String?, device: String, chain: [Image], isReadOnly: Bool = false,
      isTransient: Bool = false, isShareable: Bool = false, isEncrypted: Bool = false,
      alias: String? = nil
    ) {
      self.target = target
      self.bus = bus
      self.device = device
      self.chain = chain
      self.isReadOnly = isReadOnly
      self.isTransient = isTransient
      self.isShareable = isShareable
      self.isEncrypted = isEncrypted
      self.alias = alias
    }

    /// The active layer.
    package var source: Source { chain.first?.source ?? .none }
    /// The active layer's format.
    package var format: String? { chain.first?.format }
  }

  /// `<name>`.
  package var name: String
  /// `<uuid>`, lower case.
  package var uuid: String
  /// `type` of the root: `kvm`, `qemu`, ...
  package var type: String
  /// `<emulator>`.
  package var emulator: String?
  /// `arch` of `<os><type>`.
  package var architecture: String?
  /// The labels a running domain has.
  package var securityLabels: [SecurityLabel]
  /// Every `<disk>`, in document order.
  package var disks: [Disk]
  /// The variables of its UEFI firmware; nil where it has none.
  package var nvram: NVRAM?
  /// Its emulated TPM; nil where it has none.
  package var tpm: TPM?
  /// Whether an agent in the guest has opened its channel, which only a live definition says.
  package var hasAgent: Bool

  /// Makes the description of a domain.
  package init(
    name: String, uuid: String, type: String, emulator: String?, architecture: String?,
    securityLabels: [SecurityLabel], disks: [Disk], nvram: NVRAM? = nil, tpm: TPM? = nil,
    hasAgent: Bool = false
  ) {
    self.name = name
    self.uuid = uuid
    self.type = type
    self.emulator = emulator
    self.architecture = architecture
    self.securityLabels = securityLabels
    self.disks = disks
    self.nvram = nvram
    self.tpm = tpm
    self.hasAgent = hasAgent
  }
}
