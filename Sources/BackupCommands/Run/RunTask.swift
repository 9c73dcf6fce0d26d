// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Libvirt
import Vsh

/// A domain that a run comes to.
struct RunTask {
  /// Its name.
  let name: String
  /// Its UUID, by which the commands find it whatever its name becomes.
  let uuid: String
  /// The domain's policy; the defaults where it has none, or none that can be read.
  let policy: Policy
  /// True when the domain has no policy, so that it is backed up by defaults.
  let isDefault: Bool
  /// Message on a policy that cannot be read, for which the domain is not backed up; nil for none.
  let problem: String?

  /// Makes a task.
  init(
    name: String, uuid: String, policy: Policy, isDefault: Bool = false, problem: String? = nil
  ) {
    self.name = name
    self.uuid = uuid
    self.policy = policy
    self.isDefault = isDefault
    self.problem = problem
  }
}

extension RunTask {
  /// The domains that a run comes to, by name, and the names of all there are.
  ///
  /// - Parameters:
  ///   - connection: Where they are.
  ///   - named: Those that the user named; all where there are none.
  ///   - takesAll: Whether domains without a policy are among them.
  /// - Returns: The tasks, and the names of all domains.
  /// - Throws: What libvirt throws.
  static func tasks(
    on connection: Connection, named: [Domain], takesAll: Bool
  ) throws -> (tasks: [RunTask], names: Set<String>) {
    // A helper domain is nobody's.
    let all = try connection.domains().filter { !Syntax.isHelperName($0.name) }
    var seen: Set<String> = []
    let chosen = (named.isEmpty ? all : named).filter { seen.insert($0.uuid).inserted }
    let tasks = try chosen.compactMap {
      try task(for: $0, takesAll: takesAll || !named.isEmpty)
    }.sorted { ($0.name, $0.uuid) < ($1.name, $1.uuid) }
    return (tasks, Set(all.map(\.name)))
  }

  private static func task(for domain: Domain, takesAll: Bool) throws -> RunTask? {
    do {
      // A transient one may end at any time.
      guard let found = try unless(.noDomain, look: { try domain.policy() }) else { return nil }
      guard var policy = found else {
        return takesAll
          ? RunTask(name: domain.name, uuid: domain.uuid, policy: Policy(), isDefault: true) : nil
      }
      if !policy.excludedDisks.isEmpty {
        // One that the domain has not now need not be left out.
        let definition = try DomainDefinition(parsing: try domain.xmlDescription())
        let targets = Set(definition.disks.map(\.target))
        policy.excludedDisks.removeAll { !targets.contains($0) }
      }
      return RunTask(name: domain.name, uuid: domain.uuid, policy: policy)
    } catch let error as DomainXMLError {
      let problem = "its policy cannot be read: \(error); backup-policy --remove takes it away"
      return RunTask(name: domain.name, uuid: domain.uuid, policy: Policy(), problem: problem)
    }
  }
}

extension Domain {
  /// Reads the policy of the domain (`virDomainGetMetadata`); nil where it has none.
  ///
  /// The persistent definition is read where there is one, and else that of the running domain.
  ///
  /// - Throws: `DomainXMLError` for a policy that cannot be read; what libvirt throws.
  func policy() throws -> Policy? {
    let impact: Impact = try isPersistent ? .config : .live
    return try metadata(namespace: Policy.namespace, impact).map { try Policy(parsing: $0) }
  }

  /// Decides something for the domain, in the definition that runs and in the one that stays
  /// (`virDomainSetMetadata`).
  ///
  /// - Parameter policy: What is decided; nil for nothing.
  /// - Throws: `DomainXMLError` for a policy that cannot be meant; what libvirt throws.
  func setPolicy(_ policy: Policy?) throws {
    var impact: Impact = []
    if try isActive { impact.insert(.live) }
    if try isPersistent { impact.insert(.config) }
    try setMetadata(
      try policy?.xml(), prefix: Policy.prefix, namespace: Policy.namespace, impact)
  }
}
