// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An operation under way: what a client is about to make, written before it makes anything, so
/// that any later client can finish or undo it.
///
/// A partial is written once and deleted last. How far the operation came is read off the things it
/// names, never off the partial.
package struct Partial: Sendable, Equatable {
  /// The client that started the operation.
  package struct Owner: Sendable, Equatable {
    /// Host name of the client's machine.
    package var host: String
    /// `/proc/sys/kernel/random/boot_id` of that machine.
    package var bootID: String
    /// The client's process id.
    package var pid: Int32
    /// Its start time, field 22 of `/proc/PID/stat`, in clock ticks since the boot.
    package var startTime: UInt64
    /// Inode of its PID namespace (`/proc/self/ns/pid`), which its process id is of; nil where it is
    /// not known.
    package var pidNamespace: UInt64?

    /// Makes the description of a client.
    package init(
      host: String, bootID: String, pid: Int32, startTime: UInt64, pidNamespace: UInt64? = nil
    ) {
      self.host = host
      self.bootID = bootID
      self.pid = pid
      self.startTime = startTime
      self.pidNamespace = pidNamespace
    }
  }

  /// Where a copy that no pool lists is written.
  package struct CopyTarget: Sendable, Equatable {
    /// A file, which the operation makes, or a block device, which is there.
    package var type: BackupDefinition.StoreType
    /// Its absolute path.
    package var path: String
    /// `qcow2` or `raw`.
    package var format: String
    /// Whether it is encrypted; QEMU may hold secrets for it then.
    package var isEncrypted: Bool

    /// Makes the description of a target.
    package init(
      type: BackupDefinition.StoreType, path: String, format: String, isEncrypted: Bool = false
    ) {
      self.type = type
      self.path = path
      self.format = format
      self.isEncrypted = isEncrypted
    }
  }

  /// What a create makes for one disk, beside the volume its manifest names.
  package struct CreateDisk: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// The scratch volume's name; nil for an unprotected job, and where the disk stands still.
    package var scratchVolume: String?
    /// Directory of the scratch volume, where it is not the pool's own.
    package var scratchDirectory: String?
    /// Node of the disk that holds the bitmaps (`libvirt-1-format`).
    package var node: String
    /// `qom-set` path of the device (`/machine/peripheral/virtio-disk0/virtio-backend`).
    package var device: String
    /// Where the data goes in place of the manifest's volume; nil where a point is made.
    package var target: CopyTarget?

    /// Makes the description of a disk's part in a create.
    package init(
      name: String, scratchVolume: String?, scratchDirectory: String? = nil, node: String,
      device: String, target: CopyTarget? = nil
    ) {
      self.name = name
      self.scratchVolume = scratchVolume
      self.scratchDirectory = scratchDirectory
      self.node = node
      self.device = device
      self.target = target
    }
  }

  /// What is under way.
  package enum Operation: Sendable, Equatable {
    /// A backup: the manifest it will publish (volume sizes still 0), and the rest it makes. Where
    /// the disks have targets of their own the manifest only describes the copies.
    /// `isSuspended` says that the domain is suspended around the start, by us.
    case create(manifest: Manifest, disks: [CreateDisk], isSuspended: Bool, isFrozen: Bool)
    /// A restore.
    case restore(Restore)
    /// A restore whose domain runs meanwhile: it is under way until nothing stands on the point.
    case live(LiveRestore)
    /// A delete.
    case delete(Delete)
    /// An NBD session: it is under way until it is finished.
    case session(Session)
    /// A look at a point, which must stay as it is meanwhile.
    case verify(Verify)
  }

  /// The operation's own UUID, lower case.
  ///
  /// Its first 12 hex digits are in every name it makes in QEMU.
  package var uuid: String
  /// Name of the point that is made, restored or (the first that is) deleted, or of the session.
  package var pointName: String
  /// Name of the domain, as it was.
  package var domainName: String
  /// UUID of the domain, lower case.
  package var domainUUID: String
  /// The libvirt that runs the operation.
  package var host: HostIdentity
  /// The client.
  package var owner: Owner
  /// Seconds since 1970-01-01T00:00:00Z when it began.
  package var creationTime: Int64
  /// Name of the helper domain, where there is one.
  package var helper: String?
  /// What is under way.
  package var operation: Operation

  /// Makes the description of an operation.
  package init(
    uuid: String, pointName: String, domainName: String, domainUUID: String, host: HostIdentity,
    owner: Owner, creationTime: Int64, helper: String?, operation: Operation
  ) {
    self.uuid = uuid
    self.pointName = pointName
    self.domainName = domainName
    self.domainUUID = domainUUID
    self.host = host
    self.owner = owner
    self.creationTime = creationTime
    self.helper = helper
    self.operation = operation
  }
}
