// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

/// A paused domain of ours without a guest, whose QEMU has disks open that no other domain has.
package struct HelperDomain {
  /// A disk for a helper domain, and the name that it has for us.
  package typealias Disk = (name: String, disk: HelperDefinition.Disk)

  /// The domain itself.
  package let guest: any Guest
  /// The disks as its QEMU has them, under the names asked for, in that order.
  package let disks: [LiveDisk]

  /// Starts a helper domain.
  ///
  /// - Parameters:
  ///   - disks: The disks.
  ///   - operation: UUID of the operation it works for.
  ///   - domain: The domain whose disks they are or were; what it runs on counts only where it is
  ///     libvirt's own word.
  ///   - isTrusted: Whether it is.
  ///   - outlivesClient: Whether it goes on when our connection ends.
  ///   - context: The host that starts it.
  /// - Returns: The helper.
  /// - Throws: What libvirt throws, of the code `.internalError` where a running domain has one of
  ///   the images.
  package static func start(
    _ disks: [Disk], operation: String, domain: DomainDefinition, isTrusted: Bool = false,
    outlivesClient: Bool = false, in context: Context
  ) throws -> HelperDomain {
    let isKVM = isTrusted && domain.type == "kvm"
    let definition = HelperDefinition(
      name: OperationID(operation).helper, uuid: context.process.newUUID(),
      operation: operation, client: outlivesClient ? nil : context.process.owner.text,
      type: isKVM ? "kvm" : "qemu",
      architecture: domain.architecture ?? "x86_64", emulator: isTrusted ? domain.emulator : nil,
      disks: disks.map(\.disk))
    let guest: any Guest
    do {
      guest = try context.hypervisor.startHelper(
        try definition.xml(), name: definition.name, outlivesClient: outlivesClient)
    } catch {
      throw context.cause(of: error, deadline: nil)
    }
    do {
      return HelperDomain(
        guest: guest,
        disks: try open(disks, of: definition, in: guest, observer: context.observer))
    } catch {
      try? guest.destroy()
      throw error
    }
  }

  private init(guest: any Guest, disks: [LiveDisk]) {
    self.guest = guest
    self.disks = disks
  }

  /// Describes a helper that has a domain's own disks open, which another client may have started.
  ///
  /// - Parameters:
  ///   - guest: The helper.
  ///   - names: The names that the disks have for us, in the order of its definition.
  /// - Throws: ``BackupError`` where it has fewer; `QMPError` or what libvirt throws.
  package init(_ guest: any Guest, disks names: [String]) throws {
    let definition = try DomainDefinition(parsing: try guest.definition())
    let nodes = try guest.monitor.blockNodes().byName
    let devices = try guest.monitor.blockDevices(of: definition)
    // Behind the disks it may have the NVRAM.
    guard definition.disks.count >= names.count else {
      throw BackupError(.failed, "the helper domain has not all disks")
    }
    self.guest = guest
    disks = try zip(names, definition.disks).map { name, disk in
      var live = try LiveDisk(disk, nodes: nodes, devices: devices)
      live.name = name
      return live
    }
  }

  /// Ends it (`virDomainDestroy`).
  package func end() throws { try guest.destroy() }

  /// Does something to bitmaps that are stored in images which the helper has open read-only.
  ///
  /// - Parameters:
  ///   - disks: The disks; of those whose image keeps no bitmaps nothing is changed.
  ///   - work: What is done while they can be written.
  /// - Throws: `QMPError` when an image cannot be written; what `work` throws.
  package func whileWritable(_ disks: [LiveDisk], _ work: () throws -> Void) throws {
    func reopen(_ disk: LiveDisk, readOnly: Bool) throws {
      try guest.monitor.execute(
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

  /// The disks of a shut-off domain, as a helper opens them: read-only, since the bitmaps of an
  /// image whose writer is killed are worth nothing any more.
  ///
  /// - Parameters:
  ///   - targets: The targets of the disks.
  ///   - definition: The domain's definition.
  /// - Returns: The disks, each under its target.
  /// - Throws: ``BackupError`` or `DomainXMLError` where a helper cannot have one.
  package static func disks(_ targets: [String], of definition: String) throws -> [Disk] {
    try targets.map { ($0, try .init(copying: $0, of: definition)) }
  }
}

/// Helper domains that other clients started.
extension HelperDomain {
  /// Ends those that should have ended with their client.
  ///
  /// libvirt sees to that, unless it was killed itself meanwhile.
  ///
  /// - Parameter context: The host.
  /// - Throws: ``BackupError`` with code `interrupted`, or what libvirt throws where it does not answer.
  package static func endOrphans(in context: Context) throws {
    let hypervisor = context.hypervisor
    do {
      try hypervisor.forgetTrials()
    } catch {
      // The next command tries it again.
      try context.rethrowUnlessLocal(error)
    }
    var helpers: [(name: String, definition: String)] = []
    do {
      helpers = try hypervisor.helperDomains()
    } catch {
      try context.rethrowUnlessLocal(error)
    }
    for (name, definition) in helpers {
      let client = try? HelperDefinition.client(in: definition).flatMap { Partial.Owner(text: $0) }
      guard client.map(context.process.liveness) == .dead else { continue }
      do {
        try hypervisor.guest(name: name)?.destroy()
      } catch {
        try context.rethrowUnlessLocal(error)
        context.observer.notice("the helper domain '\(name)' could not be ended: \(error)")
      }
    }
  }
}

extension Hypervisor {
  /// Ends the helper domain of an operation (`virDomainDestroy`); one that has ended is fine.
  package func endHelper(of partial: Partial) throws {
    guard let name = partial.helper else { return }
    try guest(name: name)?.destroy()
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
