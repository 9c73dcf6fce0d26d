// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A dirty bitmap, as `query-named-block-nodes` lists it (`BlockDirtyInfo`).
package struct BlockDirtyInfo: Decodable, Sendable, Equatable {
  /// Its name; bitmaps that jobs make for themselves have none.
  package var name: String?
  /// Bytes that are dirty.
  package var count: UInt64
  /// Bytes one bit stands for.
  package var granularity: UInt32
  /// True while writes are recorded.
  package var recording: Bool
  /// True while a job or export uses it.
  package var busy: Bool
  /// True when it is stored in the image file.
  package var persistent: Bool
  /// True when it was not stored at the end of an earlier process: it can only be removed.
  package var inconsistent: Bool?

  /// Makes the description of a bitmap.
  package init(
    name: String?, count: UInt64 = 0, granularity: UInt32 = 65536, recording: Bool = true,
    busy: Bool = false, persistent: Bool = false, inconsistent: Bool? = nil
  ) {
    self.name = name
    self.count = count
    self.granularity = granularity
    self.recording = recording
    self.busy = busy
    self.persistent = persistent
    self.inconsistent = inconsistent
  }
}

/// What is in the image behind a node (`ImageInfo`), as far as we ask.
package struct ImageInfo: Decodable, Sendable, Equatable {
  /// An internal snapshot.
  package struct Snapshot: Decodable, Sendable, Equatable {
    /// Its name.
    package var name: String
  }

  /// What only some formats say.
  package struct FormatSpecific: Decodable, Sendable, Equatable {
    /// qcow2's part.
    package struct Data: Decodable, Sendable, Equatable {
      /// `0.10` or `1.1`.
      package var compat: String?
    }

    /// The driver's name.
    package var type: String
    /// The members.
    package var data: Data?

    private enum CodingKeys: String, CodingKey { case type, data }

    /// Reads the members of qcow2; other formats keep only their type.
    package init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      type = try container.decode(String.self, forKey: .type)
      data = try? container.decodeIfPresent(Data.self, forKey: .data)
    }

    /// Makes the description of a qcow2 image.
    package init(type: String, compat: String?) {
      self.type = type
      data = Data(compat: compat)
    }
  }

  /// Bytes the guest sees.
  package var virtualSize: UInt64
  /// Bytes the image takes on its storage.
  package var actualSize: UInt64?
  /// Whether the image is encrypted; nil where it is not.
  package var isEncrypted: Bool?
  /// Internal snapshots.
  package var snapshots: [Snapshot]?
  /// What only some formats say.
  package var formatSpecific: FormatSpecific?

  private enum CodingKeys: String, CodingKey {
    case virtualSize = "virtual-size"
    case actualSize = "actual-size"
    case isEncrypted = "encrypted"
    case snapshots
    case formatSpecific = "format-specific"
  }

  /// Makes the description of an image.
  package init(
    virtualSize: UInt64, actualSize: UInt64? = nil, snapshots: [Snapshot]? = nil,
    formatSpecific: FormatSpecific? = nil
  ) {
    self.virtualSize = virtualSize
    self.actualSize = actualSize
    self.snapshots = snapshots
    self.formatSpecific = formatSpecific
  }
}

/// A block node (`BlockDeviceInfo`).
package struct BlockNode: Decodable, Sendable, Equatable {
  /// Its name.
  package var nodeName: String
  /// Its driver (`qcow2`, `raw`, `file`).
  package var driver: String
  /// The image.
  package var image: ImageInfo
  /// The bitmaps on it.
  package var dirtyBitmaps: [BlockDirtyInfo]?

  private enum CodingKeys: String, CodingKey {
    case nodeName = "node-name"
    case driver = "drv"
    case image
    case dirtyBitmaps = "dirty-bitmaps"
  }

  /// Makes the description of a node.
  package init(
    nodeName: String, driver: String, image: ImageInfo, dirtyBitmaps: [BlockDirtyInfo]? = nil
  ) {
    self.nodeName = nodeName
    self.driver = driver
    self.image = image
    self.dirtyBitmaps = dirtyBitmaps
  }
}

/// A device that can have a medium, as far as we ask (`BlockInfo`).
package struct BlockInfo: Sendable, Equatable {
  /// The medium.
  package struct Inserted: Sendable, Equatable {
    /// The top node; during a job its filter.
    package var nodeName: String

    /// Makes the description of a medium.
    package init(nodeName: String) { self.nodeName = nodeName }
  }

  /// The device's path among QEMU's objects.
  package var qdev: String
  /// The medium; nil for an empty drive.
  package var inserted: Inserted?

  /// Makes the description of a device.
  package init(qdev: String, inserted: Inserted?) {
    self.qdev = qdev
    self.inserted = inserted
  }
}

/// A property of one of QEMU's objects, as `qom-list` lists it (`ObjectPropertyInfo`).
package struct ObjectPropertyInfo: Decodable, Sendable, Equatable {
  /// Its name.
  package var name: String
  /// Its type, `child<scsi-hd>` where it is an object of its own.
  package var type: String

  /// Whether it is an object.
  package var isChild: Bool { type.hasPrefix("child<") }
}

/// A job (`JobInfo`).
package struct JobInfo: Decodable, Sendable, Equatable {
  /// Its id.
  package var id: String
  /// `backup`, `stream`, `commit`, `mirror`, ...
  package var type: String
  /// `created`, `running`, `paused`, `ready`, `standby`, `waiting`, `pending`, `aborting`,
  /// `concluded`, `null`.
  package var status: String
  /// Work done, in bytes for block jobs.
  package var currentProgress: UInt64
  /// All work, in bytes for block jobs; it may still grow.
  package var totalProgress: UInt64
  /// Why it failed; nil while it did not.
  package var error: String?

  private enum CodingKeys: String, CodingKey {
    case id, type, status, error
    case currentProgress = "current-progress"
    case totalProgress = "total-progress"
  }

  /// Makes the description of a job.
  package init(
    id: String, type: String = "backup", status: String, currentProgress: UInt64 = 0,
    totalProgress: UInt64 = 0, error: String? = nil
  ) {
    self.id = id
    self.type = type
    self.status = status
    self.currentProgress = currentProgress
    self.totalProgress = totalProgress
    self.error = error
  }
}

/// What `add-fd` answers (`AddfdInfo`).
package struct AddFdInfo: Decodable, Sendable, Equatable {
  /// Number of the set: the file is `/dev/fdset/NUMBER`.
  package var fdsetID: Int64

  private enum CodingKeys: String, CodingKey { case fdsetID = "fdset-id" }
}

/// A set of open files, as `query-fdsets` lists it (`FdsetInfo`).
package struct FdsetInfo: Decodable, Sendable, Equatable {
  /// One of its files (`FdsetFdInfo`).
  package struct File: Decodable, Sendable, Equatable {
    /// What was said when it was handed over.
    package var opaque: String?
  }

  /// Its number.
  package var fdsetID: Int64
  /// Its files.
  package var files: [File]

  private enum CodingKeys: String, CodingKey {
    case fdsetID = "fdset-id"
    case files = "fds"
  }
}

extension Monitor {
  /// Lists the sets of open files that were handed over.
  ///
  /// The corresponding QMP command is `query-fdsets`.
  package func descriptorSets() throws -> [FdsetInfo] {
    try execute(Command("query-fdsets", [:]), returning: [FdsetInfo].self)
  }

  /// Lists all nodes.
  ///
  /// The corresponding QMP command is `query-named-block-nodes`.
  package func blockNodes() throws -> [BlockNode] {
    try execute(
      Command("query-named-block-nodes", ["flat": true]), returning: [BlockNode].self)
  }

  /// Asks which node a device has.
  ///
  /// The corresponding QMP command is `qom-get`, property `drive`. `query-block` tells as much of all
  /// devices, with every image of a chain nested in the one above it: libvirt cannot hand on the reply
  /// where a chain is long (more than 25 images with libvirt 11.3, more than 121 with 9.0).
  ///
  /// - Parameter device: The device's path.
  /// - Returns: The node; nil for an empty drive, and for a device that has given its node to a device
  ///   of its own.
  /// - Throws: ``QMPError`` where there is no such device, or it is of a kind that never has one.
  package func drive(of device: String) throws -> String? {
    let node = try execute(
      Command("qom-get", ["path": .string(device), "property": "drive"]), returning: String.self)
    return node.isEmpty ? nil : node
  }

  /// Lists the properties of an object of QEMU's.
  ///
  /// The corresponding QMP command is `qom-list`.
  package func properties(of path: String) throws -> [ObjectPropertyInfo] {
    try execute(
      Command("qom-list", ["path": .string(path)]), returning: [ObjectPropertyInfo].self)
  }

  /// Lists all jobs.
  ///
  /// The corresponding QMP command is `query-jobs`.
  package func jobs() throws -> [JobInfo] {
    try execute(Command("query-jobs"), returning: [JobInfo].self)
  }
}
