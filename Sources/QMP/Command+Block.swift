// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Command {
  /// Opens a node.
  ///
  /// The corresponding QMP command is `blockdev-add`.
  package static func blockdevAdd(_ node: BlockdevOptions) -> Command {
    Command("blockdev-add", node.members)
  }

  /// Closes a node that nothing uses, after flushing it.
  ///
  /// The corresponding QMP command is `blockdev-del`.
  package static func blockdevDel(_ node: String) -> Command {
    Command("blockdev-del", ["node-name": .string(node)])
  }

  /// Makes an image writable, or readable only, without closing it; its bitmaps are stored when it
  /// becomes readable only.
  ///
  /// What was written is flushed first, and the command fails where that does: also for an image
  /// that stays what it is, and while a job writes it.
  ///
  /// The corresponding QMP command is `blockdev-reopen`.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the image's node.
  ///   - format: Its format.
  ///   - file: Name of the node of its file.
  ///   - backing: Name of the node of its backing file; nil for none.
  ///   - readOnly: What it becomes.
  ///   - keySecret: Id of the secret by which an encrypted image was opened; it need not be there.
  /// - Returns: The command.
  package static func blockdevReopen(
    _ nodeName: String, format: String, file: String, backing: String?, readOnly: Bool,
    keySecret: String? = nil
  ) -> Command {
    var options: [String: JSONValue] = [
      "driver": .string(format), "node-name": .string(nodeName), "file": .string(file),
      "read-only": .bool(readOnly),
    ]
    if format == "qcow2" { options["backing"] = backing.map(JSONValue.string) ?? .null }
    options.encrypt(format: format, keySecret: keySecret)
    return .reopen([BlockdevOptions(members: options)])
  }

  /// Flushes a node and fails, having changed nothing.
  ///
  /// The corresponding QMP command is `blockdev-reopen`: it is told to change the size of a node that
  /// cannot be changed, and that one comes first.
  ///
  /// - Parameters:
  ///   - probe: Name of a node of driver `null-co`.
  ///   - image: Name, format and file node of what is flushed; nil for nothing.
  /// - Returns: The command.
  package static func blockdevReopenNothing(
    probe: String, besides image: (node: String, format: String, file: String)?
  ) -> Command {
    let flushed = image.map {
      BlockdevOptions(members: [
        "driver": .string($0.format), "node-name": .string($0.node), "file": .string($0.file),
      ])
    }
    return .reopen([.null(probe, size: 512)] + [flushed].compactMap(\.self))
  }

  /// Changes nodes at one instant: QEMU lets no request pass through any of them meanwhile.
  ///
  /// The corresponding QMP command is `blockdev-reopen`.
  ///
  /// - Parameter nodes: All options of each node.
  /// - Returns: The command.
  package static func reopen(_ nodes: [BlockdevOptions]) -> Command {
    Command("blockdev-reopen", ["options": .array(nodes.map { .object($0.members) })])
  }

  /// Puts another node under a device.
  ///
  /// The corresponding QMP command is `qom-set`, property `drive`.
  package static func setDrive(device: String, node: String) -> Command {
    Command(
      "qom-set",
      ["path": .string(device), "property": "drive", "value": .string(node)])
  }

  /// Adds a bitmap that records nothing, as a mark on a node.
  ///
  /// The corresponding QMP command is `block-dirty-bitmap-add`.
  package static func markAdd(node: String, name: String) -> Command {
    Command(
      "block-dirty-bitmap-add",
      ["node": .string(node), "name": .string(name), "persistent": false, "disabled": true])
  }

  /// Removes a bitmap from a node, from its image too.
  ///
  /// The corresponding QMP command is `block-dirty-bitmap-remove`.
  package static func bitmapRemove(node: String, name: String) -> Command {
    Command("block-dirty-bitmap-remove", ["node": .string(node), "name": .string(name)])
  }

  /// Stops the guest's processors.
  ///
  /// The corresponding QMP command is `stop`.
  package static var stop: Command { Command("stop") }

  /// Does all or nothing of several actions, at one instant.
  ///
  /// The corresponding QMP command is `transaction`.
  package static func transaction(_ actions: [TransactionAction]) -> Command {
    Command(
      "transaction",
      [
        "actions": .array(
          actions.map { .object(["type": .string($0.type), "data": .object($0.data)]) })
      ])
  }

  /// Starts a copy of what an image has of its backing files, down to one of them, into the image;
  /// that one is its backing file once the job is finalized.
  ///
  /// The corresponding QMP command is `block-stream`.
  ///
  /// - Parameters:
  ///   - jobID: The job's id.
  ///   - device: Node of the image.
  ///   - base: Node of the backing file that stays; nil for none.
  ///   - backingFile: What is written into the image as the name of that file.
  ///   - filterNodeName: Name of the filter the job puts over `device`.
  /// - Returns: The command.
  package static func blockStream(
    jobID: String, device: String, base: String?, backingFile: String?, filterNodeName: String
  ) -> Command {
    var arguments: [String: JSONValue] = [
      "speed": 0, "job-id": .string(jobID), "device": .string(device),
      "on-error": "report", "auto-finalize": false, "auto-dismiss": false,
      "filter-node-name": .string(filterNodeName),
    ]
    if let base { arguments["base-node"] = .string(base) }
    if let backingFile { arguments["backing-file"] = .string(backingFile) }
    return Command("block-stream", arguments)
  }

  /// Starts a copy that keeps holes as holes; it does not end by itself.
  ///
  /// The corresponding QMP command is `blockdev-mirror`.
  ///
  /// - Parameters:
  ///   - jobID: The job's id.
  ///   - device: Node to read.
  ///   - target: Node to write.
  ///   - filterNodeName: Name of the filter the job puts over `device`.
  ///   - speed: Bytes per second; 0 for no limit.
  /// - Returns: The command.
  package static func blockdevMirror(
    jobID: String, device: String, target: String, filterNodeName: String, speed: Int64 = 0
  ) -> Command {
    Command(
      "blockdev-mirror",
      [
        "speed": .int(speed), "job-id": .string(jobID), "device": .string(device),
        "target": .string(target),
        "sync": "full", "on-target-error": "report", "on-source-error": "report",
        "auto-finalize": false, "auto-dismiss": false,
        "filter-node-name": .string(filterNodeName),
      ])
  }

  /// Ends a mirror that is `ready`: the copy is whole, the device keeps what it has.
  ///
  /// The corresponding QMP command is `block-job-cancel`.
  package static func endMirror(_ id: String) -> Command {
    Command("block-job-cancel", ["device": .string(id)])
  }

  /// Ends a job that is `pending`, for good.
  ///
  /// The corresponding QMP command is `job-finalize`.
  package static func jobFinalize(_ id: String) -> Command {
    Command("job-finalize", ["id": .string(id)])
  }

  /// Removes a job that is `concluded` from the list.
  ///
  /// The corresponding QMP command is `job-dismiss`.
  package static func jobDismiss(_ id: String) -> Command {
    Command("job-dismiss", ["id": .string(id)])
  }

  /// Asks a job to give up; it is then `concluded` with an error.
  ///
  /// The corresponding QMP command is `job-cancel`.
  package static func jobCancel(_ id: String) -> Command {
    Command("job-cancel", ["id": .string(id)])
  }

  /// Limits a block job.
  ///
  /// The corresponding QMP command is `block-job-set-speed`.
  ///
  /// - Parameters:
  ///   - id: The job's id.
  ///   - speed: Bytes per second; 0 for no limit.
  /// - Returns: The command.
  package static func blockJobSetSpeed(_ id: String, speed: Int64) -> Command {
    Command("block-job-set-speed", ["device": .string(id), "speed": .int(speed)])
  }

  /// Hands an open file to QEMU.
  ///
  /// The corresponding QMP command is `add-fd`; the descriptor travels with it.
  ///
  /// - Parameters:
  ///   - set: Number of an existing set it joins; nil makes a new one.
  ///   - opaque: Text that `query-fdsets` shows with it.
  /// - Returns: The command.
  package static func addFd(set: Int64?, opaque: String) -> Command {
    var arguments: [String: JSONValue] = ["opaque": .string(opaque)]
    if let set { arguments["fdset-id"] = .int(set) }
    return Command("add-fd", arguments)
  }

  /// Gives up a set of open files; nodes that use it keep theirs.
  ///
  /// The corresponding QMP command is `remove-fd`.
  package static func removeFd(set: Int64) -> Command {
    Command("remove-fd", ["fdset-id": .int(set)])
  }
}

/// One action of a `transaction`.
package struct TransactionAction: Sendable, Equatable {
  /// Its type, a QMP command's name.
  package var type: String
  /// Its arguments.
  package var data: [String: JSONValue]

  /// Adds a bitmap to a node.
  ///
  /// The corresponding QMP command is `block-dirty-bitmap-add`.
  ///
  /// - Parameters:
  ///   - node: The node whose writes it records.
  ///   - name: Its name.
  ///   - persistent: Whether the image keeps it.
  ///   - disabled: True for one that does not record.
  ///   - granularity: Bytes per bit, a power of two.
  /// - Returns: The action.
  package static func bitmapAdd(
    node: String, name: String, persistent: Bool, disabled: Bool = false, granularity: Int64
  ) -> TransactionAction {
    TransactionAction(
      type: "block-dirty-bitmap-add",
      data: [
        "node": .string(node), "name": .string(name), "persistent": .bool(persistent),
        "disabled": .bool(disabled), "granularity": .int(granularity),
      ])
  }

  /// Merges bitmaps of any nodes into one.
  ///
  /// The corresponding QMP command is `block-dirty-bitmap-merge`.
  package static func bitmapMerge(
    node: String, target: String, sources: [(node: String, name: String)]
  ) -> TransactionAction {
    TransactionAction(
      type: "block-dirty-bitmap-merge",
      data: [
        "node": .string(node), "target": .string(target),
        "bitmaps": .array(
          sources.map { .object(["node": .string($0.node), "name": .string($0.name)]) }),
      ])
  }

  /// Removes a bitmap from a node.
  ///
  /// The corresponding QMP command is `block-dirty-bitmap-remove`.
  package static func bitmapRemove(node: String, name: String) -> TransactionAction {
    TransactionAction(
      type: "block-dirty-bitmap-remove", data: ["node": .string(node), "name": .string(name)])
  }

  /// Starts a copy job.
  ///
  /// The corresponding QMP command is `blockdev-backup`.
  package static func blockdevBackup(_ job: BlockdevBackup) -> TransactionAction {
    TransactionAction(type: "blockdev-backup", data: job.members)
  }
}

/// A copy job (`BlockdevBackup`).
///
/// It never takes itself off the list, neither at its end nor on an error: the client decides.
package struct BlockdevBackup: Sendable, Equatable {
  /// The job's id.
  package var jobID: String
  /// Node to read.
  package var device: String
  /// Node to write.
  package var target: String
  /// Bitmap on `device` that says what to copy; nil copies everything.
  package var bitmap: String?
  /// Whether only what is about to be overwritten on `device` is copied, until the job is cancelled.
  package var isCopyBeforeWrite: Bool
  /// Name of the filter the job puts over `device`.
  package var filterNodeName: String
  /// Bytes per second; 0 for no limit.
  package var speed: Int64
  /// Requests under way at one time; nil for QEMU's choice, 64.
  package var maxWorkers: Int64?
  /// Bytes of the largest request; nil for QEMU's choice.
  package var maxChunk: Int64?
  /// Whether clusters are compressed, as the target's header says.
  package var isCompressed: Bool

  /// Makes the description of a job.
  package init(
    jobID: String, device: String, target: String, bitmap: String?,
    isCopyBeforeWrite: Bool = false, filterNodeName: String, speed: Int64 = 0,
    maxWorkers: Int64? = nil, maxChunk: Int64? = nil, isCompressed: Bool = false
  ) {
    self.jobID = jobID
    self.device = device
    self.target = target
    self.bitmap = bitmap
    self.isCopyBeforeWrite = isCopyBeforeWrite
    self.filterNodeName = filterNodeName
    self.speed = speed
    self.maxWorkers = maxWorkers
    self.maxChunk = maxChunk
    self.isCompressed = isCompressed
  }

  var members: [String: JSONValue] {
    var members: [String: JSONValue] = [
      "job-id": .string(jobID), "device": .string(device), "target": .string(target),
      "on-target-error": "report", "on-source-error": "report",
      "auto-finalize": false, "auto-dismiss": false,
      "filter-node-name": .string(filterNodeName),
    ]
    var performance: [String: JSONValue] = [:]
    if let maxWorkers { performance["max-workers"] = .int(maxWorkers) }
    if let maxChunk { performance["max-chunk"] = .int(maxChunk) }
    if !performance.isEmpty { members["x-perf"] = .object(performance) }
    if speed > 0 { members["speed"] = .int(speed) }
    if isCompressed { members["compress"] = true }
    if let bitmap {
      members["sync"] = "bitmap"
      members["bitmap-mode"] = "never"
      members["bitmap"] = .string(bitmap)
    } else {
      members["sync"] = isCopyBeforeWrite ? "none" : "full"
    }
    return members
  }
}
