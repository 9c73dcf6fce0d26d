// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a manifest says about a point: all selected disks of a domain at one instant, and the
/// definitions of the domain at that instant.
///
/// A manifest is a volume of the pool; its presence, whole, makes the point exist. Order is
/// ``sequence`` and kinship is per disk: times and names are never used for either.
package struct Manifest: Sendable, Equatable {
  /// How consistent the disks of a point are.
  package enum Consistency: String, Sendable {
    /// The disks are what they would be after a power failure.
    case crash
    /// The guest's file systems were frozen at the instant.
    case filesystem
  }

  /// How much of a disk its volume holds.
  package enum Mode: String, Sendable {
    /// Everything.
    case full
    /// What changed since the parent.
    case incremental
  }

  /// A volume that holds a disk of the point.
  package struct Volume: Sendable, Equatable {
    /// The volume's name in the pool of the manifest.
    package var name: String
    /// Bytes the volume occupied when the point was published.
    package var size: UInt64
    /// Bytes of its file then; nil where nobody noted it.
    package var length: UInt64?
    /// Clusters that the tables of the image had then, as data or as zeroes; nil as above.
    package var clusters: UInt64?

    /// Makes the description of a volume.
    package init(
      name: String, size: UInt64, length: UInt64? = nil, clusters: UInt64? = nil
    ) {
      self.name = name
      self.size = size
      self.length = length
      self.clusters = clusters
    }
  }

  /// A disk of the point.
  package struct Disk: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// Whether the volume stands alone or on its parent's.
    package var mode: Mode
    /// UUID of the point whose volume of this disk is the backing file; nil for a full.
    package var parent: String?
    /// True where the parent was asked for by name: its bitmap stays usable for more of the kind.
    package var isDifferential: Bool
    /// Why the disk is full, as a stable word (`new_disk`); nil for an incremental.
    package var reasonCode: String?
    /// The same for people.
    package var reason: String?
    /// Size of the disk that the guest saw at the instant, in bytes.
    package var capacity: UInt64
    /// Format the disk had in the domain (`qcow2`, `raw`), which a restore gives back.
    package var format: String
    /// Where the data is.
    package var volume: Volume

    /// Makes the description of a disk.
    package init(
      name: String, mode: Mode, parent: String?, isDifferential: Bool = false,
      reasonCode: String? = nil, reason: String? = nil, capacity: UInt64, format: String,
      volume: Volume
    ) {
      self.name = name
      self.mode = mode
      self.parent = parent
      self.isDifferential = isDifferential
      self.reasonCode = reasonCode
      self.reason = reason
      self.capacity = capacity
      self.format = format
      self.volume = volume
    }
  }

  /// A volume with state of the domain that is on none of its disks.
  package struct State: Sendable, Equatable {
    /// Its length in bytes.
    package var capacity: UInt64
    /// Where it is, as it is.
    package var volume: Volume

    /// Makes the description of a state.
    package init(capacity: UInt64, volume: Volume) {
      self.capacity = capacity
      self.volume = volume
    }
  }

  /// The name of the point, unique for its domain in its pool.
  package var name: String
  /// The point's own UUID, lower case.
  package var uuid: String
  /// UUID of the chain: all points of one domain in one pool, lower case.
  package var chain: String
  /// Place in the chain, counted from 1, never used twice.
  package var sequence: Int
  /// Seconds since 1970-01-01T00:00:00Z.
  ///
  /// For display only.
  package var creationTime: Int64
  /// What the user wrote about it.
  package var description: String?
  /// True if a user wants the point to be kept: no delete and no prune takes it away.
  package var isProtected = false
  /// UUID of the newest of its disks' parents, for display; nil when all disks are full.
  package var parent: String?
  /// How consistent the disks are.
  package var consistency: Consistency
  /// Whether the domain started with its host at the instant; nil where nothing says so, as for a
  /// transient domain.
  package var isAutostart: Bool?
  /// The libvirt host that made the point, without what changes when it is started again; nil where
  /// an earlier version made it.
  package var host: HostIdentity?
  /// The disks of the point, in the domain's order.
  package var disks: [Disk]
  /// The variables of its UEFI firmware; nil where there were none, or they were not saved.
  package var nvram: State?
  /// The persistent state of its emulated TPM; nil where there was none, or it was not saved.
  package var tpm: State?
  /// What the guest told of itself, by libvirt's names (`os.pretty-name`, `hostname`); empty where no
  /// agent answered.
  package var guestInformation: [String: String] = [:]
  /// Name of the domain at the instant, out of ``domainXML``.
  package var domainName: String
  /// UUID of the domain, out of ``domainXML``, lower case.
  ///
  /// A domain is its UUID.
  package var domainUUID: String
  /// The definition at the instant (`virDomainGetXMLDesc`): the text of the `<domain>` element.
  package var domainXML: String
  /// The persistent definition, where the domain ran and had one: the text of its `<domain>`.
  package var inactiveDomainXML: String?
  /// Elements of the root that this version does not know, as XML texts, kept when it is rewritten.
  package var unknownElements: [String]

  /// Makes the description of a point.
  package init(
    name: String, uuid: String, chain: String, sequence: Int, creationTime: Int64,
    description: String?, parent: String?, consistency: Consistency, isAutostart: Bool? = nil,
    disks: [Disk], nvram: State? = nil, tpm: State? = nil, domainName: String, domainUUID: String,
    domainXML: String,
    inactiveDomainXML: String?,
    unknownElements: [String] = []
  ) {
    self.name = name
    self.uuid = uuid
    self.chain = chain
    self.sequence = sequence
    self.creationTime = creationTime
    self.description = description
    self.parent = parent
    self.consistency = consistency
    self.isAutostart = isAutostart
    self.disks = disks
    self.nvram = nvram
    self.tpm = tpm
    self.domainName = domainName
    self.domainUUID = domainUUID
    self.domainXML = domainXML
    self.inactiveDomainXML = inactiveDomainXML
    self.unknownElements = unknownElements
  }

  /// All volumes that belong to the point, but the one it is in itself.
  package var volumes: [Volume] {
    disks.map(\.volume) + [nvram, tpm].compactMap { $0?.volume }
  }
}
