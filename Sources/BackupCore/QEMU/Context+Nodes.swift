// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
package import QMP

extension Context {
  /// Opens a volume we made for writing, as fast as the storage allows.
  ///
  /// What the storage allows is found by trying. Where QEMU may not open the path itself and the
  /// hypervisor is this machine, the file is opened here and handed over.
  ///
  /// - Parameters:
  ///   - path: Where it is.
  ///   - format: Its format.
  ///   - file: Name of the node of the file.
  ///   - image: Name of the node of the image.
  ///   - isDirect: False where the file cannot be written past the page cache, which no trial
  ///     shows: direct I/O is in whole blocks, and ends a raw file only at the end of one.
  ///   - backing: Node that is read where the image has nothing; nil for none.
  ///   - made: What QEMU makes there before; nil for an image that is there.
  ///   - monitor: The QEMU.
  /// - Throws: `QMPError` of the plainest way when none works.
  package func open(
    path: String, format: String, file: String, image: String, isDirect: Bool = true,
    backing: String? = nil, made: TargetImage? = nil, in monitor: any Monitor
  ) throws {
    guard
      let refusal = try open(
        path, format: format, file: file, image: image, isDirect: isDirect, backing: backing,
        made: made, in: monitor)
    else { return }
    if try openDescriptors(
      of: path, format: format, file: file, image: image, isDirect: isDirect, backing: backing,
      made: made, in: monitor)
    {
      return
    }
    throw refusal
  }

  /// Opens a file here and hands it to QEMU.
  ///
  /// - Returns: False where that is not possible.
  private func openDescriptors(
    of path: String, format: String, file: String, image: String, isDirect: Bool,
    backing: String?, made: TargetImage?, in monitor: any Monitor
  ) throws -> Bool {
    func openHere(forWriting: Bool) -> Int32? {
      made?.isDevice != true
        ? hypervisor.open(path, forWriting: forWriting)
        : hypervisor.openDevice(path, forWriting: forWriting)
    }
    guard let writing = openHere(forWriting: true) else { return false }
    defer { closeDescriptor(writing) }
    let set = try monitor.execute(
      .addFd(set: nil, opaque: file), returning: AddFdInfo.self, descriptors: [writing]
    ).fdsetID
    // The node keeps the files it uses; the set itself is not needed after that. While the guest
    // stands still QEMU keeps it all the same.
    defer { try? monitor.execute(.removeFd(set: set)) }
    if let reading = openHere(forWriting: false) {
      defer { closeDescriptor(reading) }
      try monitor.execute(.addFd(set: set, opaque: file), descriptors: [reading])
    }
    return try open(
      "/dev/fdset/\(set)", format: format, file: file, image: image, isDirect: isDirect,
      backing: backing, made: made, in: monitor) == nil
  }

  /// Opens a file by a name of QEMU's, the fastest way first.
  ///
  /// - Returns: Why the plainest way does not work; nil when one did.
  private func open(
    _ filename: String, format: String, file: String, image: String, isDirect: Bool,
    backing: String?, made: TargetImage?, in monitor: any Monitor
  ) throws -> QMPError? {
    var refusal: QMPError?
    for access in BlockdevOptions.Access.allCases where isDirect || access == .buffered {
      do {
        try monitor.execute(
          .blockdevAdd(
            .file(file, filename: filename, isDevice: made?.isDevice == true, access: access)))
      } catch let error as QMPError {
        refusal = error
        continue
      }
      do {
        if let made { try monitor.make(made, format: format, of: file, path: filename) }
        try monitor.execute(
          .blockdevAdd(
            .image(
              image, format: format, file: file, backing: backing,
              size: try rawSize(of: made, file: file, format: format, in: monitor),
              keySecret: made?.encryption?.keySecret,
              access: access)))
        return nil
      } catch let error as QMPError {
        refusal = error
        try? monitor.execute(.blockdevDel(file))
      }
    }
    return refusal
  }

  /// How much of a device a raw copy takes; nil for all of it.
  ///
  /// - Throws: ``BackupError`` when it does not fit.
  private func rawSize(
    of made: TargetImage?, file: String, format: String, in monitor: any Monitor
  ) throws -> UInt64? {
    guard format == "raw", let made, made.isDevice,
      let size = try monitor.blockNodes().byName[file]?.image.virtualSize, size != made.capacity
    else { return nil }
    guard size > made.capacity else {
      throw BackupError(
        .failed,
        "the target device has \(size) bytes, the disk has \(made.capacity)")
    }
    return made.capacity
  }

  /// The bitmaps that no create under way has made, and the pool as it was after they were seen.
  ///
  /// A late client must not take what came after for what came before: a bitmap that
  /// it saw is of a create that it sees too, under way or published.
  package func settledBitmaps(in monitor: any Monitor) throws -> (Set<BitmapName>, Catalog) {
    let found = try monitor.blockNodes()
      .filter { OperationID(parsing: $0.nodeName) == nil }
      .flatMap { $0.dirtyBitmaps ?? [] }.compactMap(\.name).compactMap(BitmapName.init(parsing:))
    let catalog = try pool.catalog()
    let made = catalog.pending.compactMap { pending -> String? in
      guard case .create(let manifest, _, _, _) = pending.partial.operation else { return nil }
      return manifest.uuid
    }
    return (Set(found.filter { !made.contains($0.point) }), catalog)
  }
}
