// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import QMP

/// Frozen states of disks, kept beside the guest that goes on writing.
///
/// Each disk gets a scratch node, a `copy-before-write` filter under its device that saves there
/// what the guest is about to overwrite, and a `snapshot-access` node that reads the old state. A
/// copy reads that node, and an NBD session exports it. Clients of a session choose their requests
/// themselves, so that where a request must not span clusters (``ViewSupport/spansClusters``) the
/// session exports the scratch instead, which then stands on the disk.
package struct FrozenView: Sendable, Equatable {
  /// Seconds a guest write may wait for the scratch.
  package static let filterTimeout: Int64 = 15

  /// A disk of the view.
  package struct Disk: Sendable, Equatable {
    /// What QEMU has for it.
    package var live: LiveDisk
    /// Names of what is made for it in QEMU.
    package var names: NodeNames
    /// The bitmap that will record from the instant on; nil where nothing is recorded.
    package var bitmap: String?
    /// Bitmaps whose union says what changed; empty where everything counts.
    package var bases: [BitmapPlace]
    /// Name of the bitmap on the view that holds their union.
    package var changes: String
    /// Scratch volume.
    package var scratchVolume: String
    /// Directory of the scratch volume; nil for the pool's own.
    package var scratchDirectory: String?
    /// Whether that is encrypted, as the copy is.
    package var isEncrypted = false

    /// Describes a disk of a view.
    package init(
      live: LiveDisk, names: NodeNames, bitmap: String? = nil, bases: [BitmapPlace],
      changes: String, scratchVolume: String, scratchDirectory: String? = nil,
      isEncrypted: Bool = false
    ) {
      self.live = live
      self.names = names
      self.bitmap = bitmap
      self.bases = bases
      self.changes = changes
      self.scratchVolume = scratchVolume
      self.scratchDirectory = scratchDirectory
      self.isEncrypted = isEncrypted
    }
  }

  /// The disks.
  package var disks: [Disk]
  /// Starts to copy the NVRAM; nil for none.
  package var copyNVRAM: TransactionAction?
  /// Whether the state of the TPM is read.
  package var readsTPM = false
  /// Whether clients read the view, and not a job of ours.
  package var isExported = false
  /// What its QEMU can do.
  package var support = ViewSupport()

  /// Describes a view.
  package init(
    disks: [Disk], copyNVRAM: TransactionAction? = nil, readsTPM: Bool = false,
    isExported: Bool = false, support: ViewSupport = ViewSupport()
  ) {
    self.disks = disks
    self.copyNVRAM = copyNVRAM
    self.readsTPM = readsTPM
    self.isExported = isExported
    self.support = support
  }

  /// Tells that the guest has to stand still while the filters go in.
  ///
  /// With one disk alone a single command is the instant, unless nodes must not be added over a disk
  /// that works; a newer QEMU has relays.
  package var needsSuspension: Bool {
    support.suspends
      && (disks.count > 1 || copyNVRAM != nil || readsTPM || support.hasIOThreads)
  }

  /// Tells that each device gets a relay, so that one command puts the filters of all disks under
  /// their devices while the guest runs.
  package var hasRelays: Bool { !support.suspends && disks.count > 1 }

  /// Whether the scratch stands on the disk and is read in place of the view.
  package var readsScratch: Bool { isExported && !support.spansClusters }

  /// Returns the node of a disk that clients read.
  package func exported(_ disk: Disk) -> String {
    readsScratch ? disk.names.scratch : disk.names.view
  }

  /// Opens each disk's filter; nothing passes through it yet.
  package var openFilters: [Command] {
    disks.map {
      .blockdevAdd(
        .copyBeforeWrite(
          $0.names.filter, file: $0.live.node.nodeName, target: $0.names.scratch,
          timeout: FrozenView.filterTimeout))
    }
  }

  /// Opens a relay over each disk, where the view has some; nothing passes through it yet.
  package var openRelays: [Command] {
    hasRelays
      ? disks.map { .blockdevAdd(.relay($0.names.relay, file: $0.live.node.nodeName)) } : []
  }

  /// Has each disk written out, so that the instant itself has little to write: QEMU holds the
  /// requests of all disks while it flushes them.
  ///
  /// QEMU flushes what is below a filter and then refuses to change the filter.
  package var flushDisks: [Command] {
    guard hasRelays else { return [] }
    return disks.map {
      .reopen([
        .copyBeforeWrite(
          $0.names.filter, file: $0.live.node.nodeName, target: $0.names.scratch,
          timeout: FrozenView.filterTimeout)
      ])
    }
  }

  /// Puts the relays between the devices and their disks; nothing changes for the guest.
  package var insertRelays: [Command] {
    hasRelays ? disks.map { .setDrive(device: $0.live.device, node: $0.names.relay) } : []
  }

  /// Starts recording what changes after the instant, and to copy the NVRAM.
  ///
  /// The NVRAM of a guest that runs may be of a moment before the instant.
  ///
  /// It comes before ``insertFilters``, so that no change falls between: the bitmap may then say a
  /// little more than changed, never less. Nil where nothing is recorded: copies are no base.
  package var startRecording: Command? {
    let all = recordingStarted + [copyNVRAM].compactMap(\.self)
    return all.isEmpty ? nil : .transaction(all)
  }

  /// The actions that start recording.
  package var recordingStarted: [TransactionAction] {
    disks.compactMap { disk in
      disk.bitmap.map {
        TransactionAction.bitmapAdd(
          node: disk.live.node.nodeName, name: $0, persistent: disk.live.keepsBitmaps,
          granularity: BitmapName.granularity)
      }
    }
  }

  /// The instant: from here on each disk's old data is kept.
  package var insertFilters: [Command] {
    hasRelays
      ? [.reopen(disks.map { .relay($0.names.relay, file: $0.names.filter) })]
      : disks.map { .setDrive(device: $0.live.device, node: $0.names.filter) }
  }

  /// Opens the frozen states and, where clients read them, the samples that tell whether they are
  /// whole.
  package var openViews: [Command] {
    disks.flatMap { disk -> [Command] in
      let names = disk.names
      let view = Command.blockdevAdd(.snapshotAccess(names.view, file: names.filter))
      guard isExported else { return [view] }
      let size = min(disk.live.capacity, UInt64(BitmapName.granularity))
      return [
        view, .blockdevAdd(.window(names.sample, file: names.view, size: size)),
        .blockdevAdd(.null(names.sampleTarget, size: size)),
      ]
    }
  }

  /// Says what changed, for the disks where that is known; nil where it is for none.
  ///
  /// It comes after ``insertFilters``: what is written in between counts too, and is read from the
  /// view as it was.
  package var selectChanges: Command? { selectChanges(on: exported) }

  /// The same with the bitmaps on other nodes than the views: a domain that stands still is its own
  /// view.
  package func selectChanges(on node: (Disk) -> String) -> Command? {
    let actions = changesSelected(on: node)
    return actions.isEmpty ? nil : .transaction(actions)
  }

  /// The actions of ``selectChanges(on:)``.
  ///
  /// - Parameters:
  ///   - node: The node that gets a disk's bitmap.
  ///   - isRecording: Whether the bitmap records what the node's guest writes from then on.
  /// - Returns: The actions.
  package func changesSelected(
    on node: (Disk) -> String, isRecording: Bool = false
  ) -> [TransactionAction] {
    disks.filter { !$0.bases.isEmpty }.flatMap { disk -> [TransactionAction] in
      [
        .bitmapAdd(
          node: node(disk), name: disk.changes, persistent: false, disabled: !isRecording,
          granularity: BitmapName.granularity),
        .bitmapMerge(
          node: node(disk), target: disk.changes,
          sources: disk.bases.map { ($0.node, $0.name) }),
      ]
    }
  }
}
