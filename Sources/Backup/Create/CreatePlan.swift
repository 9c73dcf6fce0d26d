// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML
package import QMP

/// A backup as a value: what will be made, and what will be sent to QEMU, in order.
package struct CreatePlan: Sendable, Equatable {
  /// A disk of the plan.
  package struct Disk: Sendable, Equatable {
    /// What QEMU has for it.
    package var live: LiveDisk
    /// Names of what is made for it in QEMU.
    package var names: NodeNames
    /// The bitmap that will record from the instant on; nil where no point is made.
    package var bitmap: String?
    /// Bitmaps whose union says what to copy; empty for a full.
    package var bases: [BitmapPlace]
    /// Volume of the parent, which becomes the backing file; nil for a full.
    package var baseVolume: String?
    /// Bytes that will be copied, as far as can be told.
    package var expectedBytes: UInt64
    /// Scratch volume; nil where there is no view.
    package var scratchVolume: String?
    /// Directory of the scratch volume; nil for the pool's own.
    package var scratchDirectory: String?
    /// Where the data goes instead of a volume of the pool.
    package var target: CopyTarget?

    /// The node that is read: the disk itself where there is no view of it.
    var source: String { scratchVolume == nil ? live.node.nodeName : names.view }
  }

  /// The copy of the NVRAM.
  ///
  /// It has no view: a running guest seldom writes there, and the copy takes milliseconds.
  package struct NVRAM: Sendable, Equatable {
    /// The node that is read.
    package var node: String
    /// Names of what is made for it in QEMU.
    package var names: NodeNames
  }

  /// How many backups each disk of the point is made of, its own included.
  package var chainLengths: [String: Int] = [:]
  /// Requests of all copies at one time.
  ///
  /// Where storage allows no asynchronous I/O each takes a thread of a pool of 64 that the guest's
  /// own disks use too: a storage that hangs must not get them all.
  static let requestLimit: Int64 = 32
  /// The operation's UUID.
  package var operation: String
  /// What will be published, volume sizes still 0.
  package var manifest: Manifest
  /// The disks, in the manifest's order.
  package var disks: [Disk]
  /// The NVRAM, where the manifest has it.
  package var nvram: NVRAM?
  /// Where the state of the TPM is read, where the manifest has it.
  package var tpm: StateSources.TPM?
  /// Bytes per second of each copy; 0 for no limit.
  package var speed: Int64
  /// How the volumes are compressed; nil for not at all.
  package var compression: Qcow2Compression?
  /// Disks that are left out, with the reason, for the user.
  package var leftOut: [String]
  /// The same as a document.
  package var document = BackupDefinition()

  /// Whether copies are made that no pool lists, and no point.
  package var isCopy: Bool
  /// Whether a helper domain has the disks: they stand still and need no view.
  package var isOffline: Bool
  /// Whether the guest's writes do not depend on where the data goes.
  package var isProtected: Bool
  /// What the QEMU that copies can do.
  package var support: ViewSupport

  /// What the copies of a running domain read.
  package var view: FrozenView {
    FrozenView(
      disks: disks.map {
        .init(
          live: $0.live, names: $0.names, bitmap: $0.bitmap, bases: $0.bases,
          changes: $0.names.workBitmap, scratchVolume: $0.scratchVolume ?? "",
          scratchDirectory: $0.scratchDirectory, isEncrypted: $0.target?.store.encryption != nil)
      }, copyNVRAM: isOffline ? nil : copyNVRAM, readsTPM: tpm != nil, support: support)
  }

  /// Tells that the guest has to stand still at the instant.
  ///
  /// Without a view one transaction is the instant of all disks and of the NVRAM.
  var needsSuspension: Bool {
    if isOffline { return false }
    return isProtected
      ? view.needsSuspension : support.suspends && (tpm != nil || support.hasIOThreads)
  }

  /// Bytes that will be copied, as far as can be told.
  package var expectedBytes: UInt64 {
    disks.reduce(manifest.nvram?.capacity ?? 0) { $0 &+ $1.expectedBytes }
  }

  // MARK: - What is sent to QEMU

  /// Says what to copy, where that is not done with the view; nil for nothing.
  var selectChanges: Command? {
    isOffline ? view.selectChanges(on: \.live.node.nodeName) : nil
  }

  /// Starts to copy the NVRAM.
  private var copyNVRAM: TransactionAction? {
    nvram.map {
      .blockdevBackup(
        BlockdevBackup(
          jobID: $0.names.job, device: $0.node, target: $0.names.target, bitmap: nil,
          filterNodeName: $0.names.jobFilter))
    }
  }

  /// Bytes of the largest request of a job; nil for QEMU's choice.
  ///
  /// Where a request must not span clusters, a job reads its view one by one. That takes half as long
  /// again (2 GiB on QEMU 7.2: 3.0 to 3.4 s, against 2.0 to 2.2 s).
  var largestRequest: Int64? {
    !isOffline && isProtected && !support.spansClusters ? BitmapName.granularity : nil
  }

  /// Starts all copies, or none; that of a protected domain's NVRAM began at the instant.
  ///
  /// Where there is no view this is the instant: recording starts, and what changed is selected, in
  /// the same transaction. A disk's requests stop only with its job, and what they write before is
  /// recorded as changed, too.
  ///
  /// - Parameter isLimited: Whether the number of requests is limited, by a member that QEMU calls
  ///   unstable and may lack. Their size is limited all the same, where it must be.
  /// - Returns: The command.
  package func startJobs(isLimited: Bool) -> Command {
    let jobs = disks.map {
      TransactionAction.blockdevBackup(
        BlockdevBackup(
          jobID: $0.names.job, device: $0.source, target: $0.names.target,
          bitmap: $0.bases.isEmpty ? nil : $0.names.workBitmap,
          filterNodeName: $0.names.jobFilter, speed: speed,
          maxWorkers: isLimited ? max(1, CreatePlan.requestLimit / Int64(disks.count)) : nil,
          maxChunk: largestRequest, isCompressed: compression != nil))
    }
    let nvram = [copyNVRAM].compactMap(\.self)
    if isOffline { return .transaction(jobs + nvram) }
    if isProtected { return .transaction(jobs) }
    return .transaction(
      view.recordingStarted
        + view.changesSelected(on: \.live.node.nodeName, isRecording: true) + jobs + nvram)
  }
}

extension CreatePlan {
  /// A notice that the longest chain of a disk is a long one; nil below
  /// ``ChainLength/comfortable``.
  var longChain: String? {
    guard let (disk, length) = chainLengths.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
      length >= ChainLength.comfortable
    else { return nil }
    return "disk '\(disk)': its chain has \(length) backups now, and no more than "
      + "\(ChainLength.longest): --full begins another, backup-prune shortens it"
  }
}
