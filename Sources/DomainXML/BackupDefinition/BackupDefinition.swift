// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A backup as its user describes it: libvirt's `<domainbackup>` document.
///
/// It comes from a file (``init(parsing:)``), is completed by what the domain has
/// (``aligned(with:isAutomatic:)``) and can be written again (``xml()``).
package struct BackupDefinition: Sendable, Equatable {
  /// Who moves the data.
  package enum Mode: String, Sendable {
    /// QEMU writes it to where the document says.
    case push
    /// Somebody else fetches it over NBD.
    case pull
  }

  /// How much of a disk is backed up.
  package enum DiskMode: String, Sendable {
    /// Everything.
    case full
    /// What changed since the point that ``Disk/incremental`` names.
    case incremental
  }

  /// Where the NBD server of a pull mode backup listens.
  package enum Transport: Sendable, Equatable {
    /// A host name or address of the hypervisor; nil for a free port.
    case tcp(name: String, port: UInt16?)
    /// The path of a socket.
    case unix(socket: String)
  }

  /// A `<server>`.
  package struct Server: Sendable, Equatable {
    /// Where it listens.
    package var transport: Transport
    /// Whether it wants TLS; nil where the document does not say.
    package var usesTLS: Bool?

    /// Makes the description of a server.
    package init(transport: Transport, usesTLS: Bool? = nil) {
      self.transport = transport
      self.usesTLS = usesTLS
    }
  }

  /// What a target or scratch image is.
  package enum StoreType: String, Sendable {
    /// A file, which the backup makes.
    case file
    /// A block device, which is there already.
    case block
  }

  /// A `<seclabel>` of a target or scratch image.
  package enum SecurityLabel: Sendable, Equatable {
    /// `relabel='no'`: it keeps the label it has.
    case kept(model: String?)
    /// `labelskip='yes'`: it could not be labelled.
    case skipped(model: String?)
    /// The labels it gets; libvirt uses the first.
    case given(model: String?, labels: [String])
  }

  /// Where a secret of libvirt is found.
  package enum SecretReference: Sendable, Equatable {
    /// By its UUID, as written.
    case uuid(String)
    /// By its usage name.
    case usage(String)
  }

  /// A `<cipher>` of an encryption.
  package struct Cipher: Sendable, Equatable {
    /// Name of the cipher, `aes`.
    package var name: String
    /// Bits of the key.
    package var size: UInt32
    /// Mode of the cipher, `cbc`; nil where the document does not say, and then no hash either.
    package var mode: String?
    /// Hash, `sha256`.
    package var hash: String?
  }

  /// An `<ivgen>` of an encryption.
  package struct InitializationVector: Sendable, Equatable {
    /// Name of the generator, `plain64`.
    package var name: String
    /// Hash, `sha256`.
    package var hash: String?
  }

  /// An `<encryption>` of a target or scratch image, always LUKS.
  package struct Encryption: Sendable, Equatable {
    /// Whether the document names QEMU as the one who encrypts.
    package var namesEngine: Bool
    /// The passphrase.
    package var secret: SecretReference
    /// The cipher; nil for QEMU's choice, and then no generator either.
    package var cipher: Cipher?
    /// The generator of initialization vectors.
    package var initializationVector: InitializationVector?
  }

  /// A `<target>` or `<scratch>`.
  package struct Store: Sendable, Equatable {
    /// Its path, as written: the schema asks for an absolute one, which may still be foreign.
    package var path: String
    /// Its labels, where they are not libvirt's choice.
    package var securityLabels: [SecurityLabel] = []
    /// How it is encrypted; nil for not at all.
    package var encryption: Encryption?
  }

  /// A `<disk>`.
  package struct Disk: Sendable, Equatable {
    /// The target name in the domain, `vda`.
    package var name: String
    /// Whether it takes part; what else a document says of a disk that does not is forgotten.
    package var isIncluded = true
    /// What its target or scratch image is.
    package var type = StoreType.file
    /// How much is backed up; nil where the document does not say.
    package var mode: DiskMode?
    /// Name of the point or session the changes are since; nil where the document does not say.
    package var incremental: String?
    /// Pull mode: name of its NBD export; nil where the document does not say.
    package var exportName: String?
    /// Pull mode: name under which the export shows its bitmap; nil where the document does not say.
    package var exportBitmap: String?
    /// Format of the target or scratch image; nil where the document does not say.
    package var format: String?
    /// The target (push mode) or scratch image (pull mode); nil where the document names none.
    package var store: Store?

    /// Makes the description of a disk of which nothing but its name is said.
    package init(name: String, isIncluded: Bool = true) {
      self.name = name
      self.isIncluded = isIncluded
    }
  }

  /// Who moves the data.
  package var mode: Mode
  /// Name of the point or session that the disks' changes are since; nil for none.
  package var incremental: String?
  /// Pull mode: the NBD server.
  package var server: Server?
  /// The disks that are listed; nil where there is no list, never empty.
  package var disks: [Disk]?

  /// Makes the description of a backup of which nothing but its mode is said.
  package init(mode: Mode = .push) { self.mode = mode }

  /// Whether a target is named for any disk: QEMU writes there and the pool gets no point.
  package var hasTargets: Bool { mode == .push && disks?.contains { $0.store != nil } == true }
}
