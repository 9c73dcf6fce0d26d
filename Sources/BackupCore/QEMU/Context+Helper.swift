// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// A paused helper domain that has disks open which no other domain has.
package struct HeldDisks {
  /// The helper.
  package let helper: any Guest
  /// What its QEMU has for each disk, under the names asked for, in that order.
  package let disks: [LiveDisk]
}

extension Context {
  /// A disk for a helper domain.
  package typealias HelperDisk = (name: String, disk: HelperDefinition.Disk)

  /// Starts a helper domain.
  ///
  /// - Parameters:
  ///   - disks: The disks, and the names they have for us.
  ///   - operation: UUID of the operation it works for.
  ///   - domain: The domain whose disks they are or were; what it runs on counts only where it is
  ///     libvirt's own word.
  ///   - isTrusted: Whether it is.
  ///   - outlivesClient: Whether it goes on when our connection ends.
  /// - Returns: What it has.
  /// - Throws: What libvirt throws, of the code `.internalError` where a running domain has one of
  ///   the images.
  package func hold(
    _ disks: [HelperDisk], operation: String, domain: DomainDefinition, isTrusted: Bool = false,
    outlivesClient: Bool = false
  ) throws -> HeldDisks {
    let isKVM = isTrusted && domain.type == "kvm"
    let definition = HelperDefinition(
      name: OperationID(operation).helper, uuid: process.newUUID(),
      operation: operation, client: outlivesClient ? nil : process.owner.text,
      type: isKVM ? "kvm" : "qemu",
      architecture: domain.architecture ?? "x86_64", emulator: isTrusted ? domain.emulator : nil,
      disks: disks.map(\.disk))
    let helper: any Guest
    do {
      helper = try hypervisor.startHelper(
        try definition.xml(), name: definition.name, outlivesClient: outlivesClient)
    } catch {
      throw cause(of: error, deadline: nil)
    }
    do {
      return HeldDisks(helper: helper, disks: try open(disks, of: definition, in: helper))
    } catch {
      try? helper.destroy()
      throw error
    }
  }

  /// What a helper's QEMU has for a domain's own disks, under the names that they have for us.
  private func liveDisks(of helper: any Guest, names: [String]) throws -> [LiveDisk] {
    let definition = try DomainDefinition(parsing: try helper.definition())
    let nodes = try helper.monitor.blockNodes().byName
    let devices = try helper.monitor.blockDevices(of: definition)
    // Behind the disks it may have the NVRAM.
    guard definition.disks.count >= names.count else {
      throw BackupError(.failed, "the helper domain has not all disks")
    }
    return try zip(names, definition.disks).map { name, disk in
      var live = try LiveDisk(disk, nodes: nodes, devices: devices)
      live.name = name
      return live
    }
  }

  /// Ends helper domains that should have ended with their client.
  ///
  /// libvirt sees to that, unless it was killed itself meanwhile.
  package func endOrphans() throws {
    do {
      try hypervisor.forgetTrials()
    } catch {
      // It is tried again by the next command.
      try rethrowUnlessLocal(error)
    }
    var helpers: [(name: String, definition: String)] = []
    do {
      helpers = try hypervisor.helperDomains()
    } catch {
      try rethrowUnlessLocal(error)
    }
    for (name, definition) in helpers {
      let client = try? HelperDefinition.client(in: definition).flatMap { Partial.Owner(text: $0) }
      guard client.map(process.liveness) == .dead else { continue }
      do {
        try hypervisor.guest(name: name)?.destroy()
      } catch {
        try rethrowUnlessLocal(error)
        observer.notice("the helper domain '\(name)' could not be ended: \(error)")
      }
    }
  }

  /// Ends the helper domain of an operation; one that has ended is fine.
  package func endHelper(of partial: Partial) throws {
    guard let name = partial.helper else { return }
    try hypervisor.guest(name: name)?.destroy()
  }

  /// Has the images record what changes from now on, for a point of a domain that is shut off.
  ///
  /// Nothing changed since the copies began: the helper has the images.
  package func startRecording(_ partial: Partial, _ manifest: Manifest, in guest: any Guest) throws
  {
    guard partial.helper != nil else { return }
    let disks = try liveDisks(of: guest, names: manifest.disks.map(\.name))
    let actions = disks.compactMap { disk -> TransactionAction? in
      let name = BitmapName(chain: manifest.chain, point: manifest.uuid, disk: disk.name).text
      // Another client may have come as far as this.
      guard disk.keepsBitmaps, disk.node.dirtyBitmaps?.contains(where: { $0.name == name }) != true
      else { return nil }
      return .bitmapAdd(
        node: disk.node.nodeName, name: name, persistent: true,
        granularity: BitmapName.granularity)
    }
    guard !actions.isEmpty else { return }
    do {
      try whileWritable(disks, in: guest.monitor) {
        try guest.monitor.execute(.transaction(actions))
      }
    } catch let error as QMPError {
      // An attempt to start the domain takes the images' owner away from the helper, for instance.
      // What the images record since earlier points they go on to record.
      observer.notice(
        "the images do not record what changes from now on (\(error.desc)): the next backup stands "
          + "on an earlier one, or is full")
    }
  }

  /// Does something to the bitmaps of a point's disks.
  ///
  /// Where a helper has them open read-only, only the images that have the point's own bitmap are
  /// made writable: the others have nothing to change.
  package func changeBitmaps(
    of manifest: Manifest, in guest: any Guest, isHelper: Bool, _ work: () throws -> Void
  ) throws {
    guard isHelper else { return try work() }
    let disks = try liveDisks(of: guest, names: manifest.disks.map(\.name)).filter { disk in
      let name = BitmapName(chain: manifest.chain, point: manifest.uuid, disk: disk.name).text
      return disk.node.dirtyBitmaps?.contains { $0.name == name } == true
    }
    guard !disks.isEmpty else { return }
    do {
      try whileWritable(disks, in: guest.monitor, work)
    } catch let error as QMPError {
      // Bitmaps that stay do no harm: their names say what they are of.
      observer.notice("earlier records of changes stay in the images (\(error.desc))")
    }
  }

  /// The disks of a shut-off domain, as a helper opens them: read-only, since the bitmaps of an
  /// image whose writer is killed are worth nothing any more.
  package func helperDisks(_ targets: [String], of definition: String) throws -> [HelperDisk] {
    try targets.map { ($0, try .init(copying: $0, of: definition)) }
  }

  /// Does something to bitmaps that are stored in images which a helper has open read-only.
  ///
  /// - Parameters:
  ///   - disks: The disks; of those whose image keeps no bitmaps nothing is changed.
  ///   - monitor: The helper's monitor.
  ///   - work: What is done while they can be written.
  /// - Throws: `QMPError` when an image cannot be written; what `work` throws.
  package func whileWritable(
    _ disks: [LiveDisk], in monitor: any Monitor, _ work: () throws -> Void
  ) throws {
    func reopen(_ disk: LiveDisk, readOnly: Bool) throws {
      try monitor.execute(
        .blockdevReopen(
          disk.node.nodeName, format: disk.node.driver, file: disk.storageNode,
          backing: disk.backing.first?.nodeName, readOnly: readOnly))
    }
    let kept = disks.filter(\.keepsBitmaps)
    let result = Result {
      for disk in kept { try reopen(disk, readOnly: false) }
      try work()
    }
    let ending = Result { for disk in kept { try reopen(disk, readOnly: true) } }
    try result.get()
    try ending.get()
  }

  /// Removes bitmaps of sessions from a domain's disks, whether it runs or not.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain; one that is gone has none.
  ///   - disks: The target names; nil for all.
  ///   - isRemoved: Which of the bitmaps.
  /// - Returns: The names of the sessions of those that were removed.
  /// - Throws: `QMPError` or what libvirt throws, where an image cannot be opened or written.
  package func removeSessionBitmaps(
    of domainUUID: String, disks: [String]?, where isRemoved: (SessionBitmapName) -> Bool
  ) throws -> Set<String> {
    var sessions: Set<String> = []
    func remove(in monitor: any Monitor) throws {
      try removeBitmaps(in: monitor) { (name: String) in
        guard let parsed = SessionBitmapName(parsing: name), isRemoved(parsed) else { return false }
        sessions.insert(parsed.session)
        return true
      }
    }
    if let guest = try hypervisor.guest(uuid: domainUUID) {
      try remove(in: guest.monitor)
      return sessions
    }
    guard let text = try hypervisor.inactiveDefinition(uuid: domainUUID) else { return [] }
    let definition = try DomainDefinition(parsing: text)
    let targets = definition.disks.filter {
      $0.device == "disk" && !$0.isReadOnly && $0.format == "qcow2"
        && (disks?.contains($0.target) ?? true)
    }.map(\.target)
    guard !targets.isEmpty else { return [] }
    let held = try hold(
      try helperDisks(targets, of: text), operation: process.newUUID(), domain: definition,
      isTrusted: true)
    defer { try? held.helper.destroy() }
    let affected = held.disks.filter { $0.node.sessionBitmaps.contains(where: isRemoved) }
    try whileWritable(affected, in: held.helper.monitor) { try remove(in: held.helper.monitor) }
    return sessions
  }
}

extension LiveDisk {
  /// Node of the file of the active image.
  fileprivate var storageNode: String { LiveDisk.storageNode(of: node.nodeName) }

  /// Node of the file of an image that libvirt opened.
  package static func storageNode(of node: String) -> String {
    let suffix = "-format"
    guard node.hasSuffix(suffix) else { return node }
    return node.dropLast(suffix.count) + "-storage"
  }
}
