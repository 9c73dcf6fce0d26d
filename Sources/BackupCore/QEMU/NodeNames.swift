// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The names an operation gives to what it makes in QEMU, for one disk.
///
/// The names follow from the operation's UUID and the disk's number, so that any client finds them
/// again. QEMU allows 31 characters for a node.
package struct NodeNames: Sendable, Equatable {
  /// The beginning of all names of the operation.
  package let prefix: String
  private let stem: String

  /// Makes the names.
  ///
  /// - Parameters:
  ///   - operation: The operation's UUID.
  ///   - disk: The disk's place in the operation, counted from 0.
  package init(operation: String, disk: Int) {
    prefix = OperationID(operation).prefix
    stem = "\(prefix)\(disk)-"
  }

  /// Id of the copy job.
  package var job: String { stem + "job" }
  /// File of the volume that is written.
  package var targetFile: String { stem + "tfile" }
  /// Id of the job that makes an image of a device.
  package var formatJob: String { stem + "format" }
  /// Secret with the passphrase of the image.
  package var targetSecret: String { stem + "tkey" }
  /// Id of the job that makes the scratch image.
  package var scratchFormatJob: String { stem + "sformat" }
  /// Secret with the passphrase of the scratch image.
  package var scratchSecret: String { stem + "skey" }
  /// Image in it.
  package var target: String { stem + "target" }
  /// File of the scratch volume.
  package var scratchFile: String { stem + "sfile" }
  /// Image in it.
  package var scratch: String { stem + "scratch" }
  /// Filter under the device.
  package var filter: String { stem + "cbw" }
  /// Node between the device and its disk or filter, by which several filters begin at one instant.
  package var relay: String { stem + "relay" }
  /// Bitmap on the filter of the client that takes it off the device.
  package var claim: String { stem + "claim" }
  /// A node that nothing uses, by which a flush tells how it went.
  ///
  /// - Parameter uuid: A UUID that is new for each flush.
  /// - Returns: The name, of 31 characters at most for the first ten disks.
  package func probe(of uuid: String) -> String { stem + "probe" + uuid.prefix(8) }
  /// Tells that a node is one by which a flush of some operation tells how it went.
  package static func isProbe(_ node: String) -> Bool {
    let parts = node.split(separator: "-", omittingEmptySubsequences: false)
    return OperationID(parsing: node) != nil && parts.count == 4 && parts[3].hasPrefix("probe")
  }
  /// Tells that a node is a probe of this operation and disk.
  package func isProbe(_ node: String) -> Bool {
    node.hasPrefix(stem) && NodeNames.isProbe(node)
  }
  /// Bitmap on the image of the client that flushes it.
  package var flushing: String { stem + "flushing" }
  /// Bitmap on an image that is flushed.
  package var flushed: String { stem + "flushed" }
  /// The frozen state.
  package var view: String { stem + "view" }
  /// The first cluster of the frozen state: reading it shows whether the state is still whole.
  package var sample: String { stem + "sample" }
  /// The disk that the sample is copied to.
  package var sampleTarget: String { stem + "null" }
  /// Id of the job that reads the sample.
  package var sampleJob: String { stem + "sample" }
  /// Filter that the job puts over the sample.
  package var sampleFilter: String { stem + "samplecbw" }
  /// Filter that the copy job puts over what it reads.
  package var jobFilter: String { stem + "jobcbw" }
  /// Id of the view's export; it tells the port where the server was to take a free one.
  package func export(port: UInt16?) -> String {
    stem + "export" + (port.map { ".\($0)" } ?? "")
  }
  /// The port that an export's id tells.
  package static func port(ofExport id: String) -> UInt16? {
    let parts = id.split(separator: ".")
    return parts.count == 2 ? UInt16(parts[1]) : nil
  }
  /// Id of the operation's TLS credentials.
  package static func credentials(operation: String) -> String {
    OperationID(operation).prefix + "tls"
  }
  /// Bitmap on the first disk's scratch image: the operation has frozen the guest's file systems.
  package static let frozenMark = "vb-frozen"
  /// Bitmap on the view that says what to copy.
  package var workBitmap: String { stem + "work" }
}
