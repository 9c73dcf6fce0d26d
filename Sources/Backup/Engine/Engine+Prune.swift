// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
import DomainXML

/// The outcome of a prune of a domain's points.
package struct Pruned: Sendable, Equatable {
  /// Names of the points that are gone, in the order they went.
  package var points: [String]
  /// Bytes that the volumes of the domain's points have less than before.
  package var freed: UInt64
}

extension Engine {
  /// Settles what other clients left on those of some domains on which something is under way.
  ///
  /// - Parameter domains: The UUIDs of the domains.
  /// - Returns: The pool after that.
  /// - Throws: What ``settle(domainUUID:endsLostSessions:)`` throws.
  package func settledCatalog(of domains: [String]) throws -> Catalog {
    var catalog = try catalog()
    for domain in domains where !catalog.pending(concerning: domain).isEmpty {
      try settle(domainUUID: domain)
      catalog = try self.catalog()
    }
    return catalog
  }

  /// Decides which points of domains a prune deletes: of those that this host made.
  ///
  /// - Parameters:
  ///   - domains: The UUIDs of the domains, and what the user wants to keep of each.
  ///   - catalog: The pool.
  /// - Returns: A plan for each; where the host is not known, which keeps them from being carried out,
  ///   of all points.
  package func prunePlans(
    of domains: [(uuid: String, basis: PrunePlan.Basis)], in catalog: Catalog
  ) -> [PrunePlan] {
    let here = try? context.hypervisor.host()
    // A pool has one look-up of known damage, however many domains it has.
    let damage = catalog.knownDamage(in: context.repository)
    return domains.map { domain in
      PrunePlan(of: domain.uuid, in: catalog, domain.basis, here: here, isDamaged: damage.concerns)
    }
  }

  /// Deletes the points that a plan gives up, in one operation.
  ///
  /// The plan may be hours old: it is made again, and nothing goes that it would not give up now.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - deadline: When to give up; nil for never.
  /// - Returns: What was done.
  /// - Throws: ``BackupError`` with code `busy` where other clients changed what stays; what
  ///   ``delete(_:scope:disks:isAsync:deadline:)`` throws.
  package func prune(
    _ plan: PrunePlan, deadline: ContinuousClock.Instant? = nil
  ) throws -> Pruned {
    let doomed = plan.removed
    guard !doomed.isEmpty else { return Pruned(points: [], freed: 0) }
    try settle(domainUUID: plan.domainUUID)
    let again = prunePlans(of: [(plan.domainUUID, plan.basis)], in: try catalog())
    guard again.flatMap(\.removed).map(\.manifest.uuid) == doomed.map(\.manifest.uuid) else {
      throw BackupError(
        .busy,
        "Requested operation is not valid: other clients changed which backups there are; try again"
      )
    }
    let before = plan.entries.reduce(0) { $0 &+ $1.point.size }
    let request = try DeleteRequest(doomed, scope: .point, disks: [])
    let gone =
      try Delete(context).run(request, isAsync: false, deadline: deadline)?.map(\.point) ?? []
    // Points that came meanwhile are none of ours.
    let own = Set(plan.entries.map(\.point.manifest.uuid))
    let after = try catalog().points(of: plan.domainUUID).filter { own.contains($0.manifest.uuid) }
      .reduce(0) { $0 &+ $1.size }
    return Pruned(points: gone, freed: before > after ? before - after : 0)
  }
}
