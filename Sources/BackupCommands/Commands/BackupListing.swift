// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import QMP
import Vsh

/// What `backup-list` shows.
struct BackupListing: Presentable {
  /// A line of the list.
  struct Entry {
    /// Name of the point.
    var name: String
    /// The point; nil for one that is not whole.
    var point: Point?
    /// Name of the domain, as far as known.
    var domain: String
    /// UUID of the domain, as far as known.
    var domainUUID: String?
    /// Its place among the points of its domain; nil where unknown.
    var sequence: Int?
    /// The pool.
    var pool: String
    /// `complete`, `missing volume`, `damaged`, `running`, `running on HOST`, `incomplete`.
    var state: String
    /// Seconds since 1970-01-01T00:00:00Z; nil where unknown.
    var time: Int64?
    /// Name of the parent.
    var parent: String?
    /// Record of the point's checks, read for `--details` and `--json`; nil where there is none.
    var verification: Verification?
  }

  /// What is shown, in order.
  var entries: [Entry] = []
  /// Options and values that the user gave the command.
  private let arguments: Arguments
  /// Titles of the listed domains: names, with UUIDs where several domains share a name.
  private var titles = DomainTitles([])
  /// Whether the points of a domain are of more than one host.
  private var hasSeveralHosts = false
  /// How many unfinished and broken ones are not.
  var hidden = 0
  /// Lines about domains that were named and have no backup, while another domain of that name has.
  private(set) var absences: [String] = []
  /// How many of those that are shown have damage that no column tells.
  var damaged = 0

  /// Collects what the options ask for.
  ///
  /// - Throws: What the pools throw; `BackupError` for a domain or a backup that is not there.
  init(_ shell: Shell<Client>, _ arguments: Arguments) throws {
    self.arguments = arguments
    let workplace = try Workplace(shell)
    let repositories =
      arguments.flag("all-pools")
      ? try workplace.pools.all()
      : [try workplace.pools.repository(try arguments.string("pool"))]
    let names = arguments.strings("domain")
    var found: [Entry] = []
    var unknown = names
    for repository in repositories {
      let catalog = try Catalog(of: repository, refresh: !repository.isReadDirectly)
      var named: Set<String>?
      for name in names {
        do {
          let uuid = try workplace.domainUUID(name, in: catalog)
          named = (named ?? []).union([uuid])
          absences += [catalog.absence(of: name, uuid: uuid)].compactMap(\.self)
          unknown.removeAll { $0 == name }
        } catch let error as BackupError where error.code == .notFound {
          if repositories.count == 1 { throw error }
        }
      }
      if !names.isEmpty, named == nil { continue }
      let host = try? workplace.hypervisor.host()
      for uuid in named.map({ $0.map(Optional.some) }) ?? [nil] {
        workplace.tellSuspended(catalog, domainUUID: uuid)
      }
      let damage = catalog.knownDamage(in: repository)
      let states = try BackupListing.entries(
        catalog, pool: repository.name, domains: named, host: host,
        inspection: arguments.flag("all") ? Inspection(catalog, in: repository) : nil,
        isDamaged: damage.concerns)
      let domains = Set(states.compactMap { $0.point?.manifest.domainUUID })
      if domains.contains(where: { catalog.hasSeveralHosts(of: $0, here: host) }) {
        hasSeveralHosts = true
      }
      var listed = try BackupListing.filtered(states, catalog: catalog, arguments: arguments)
      if arguments.flag("details") || arguments.flag("json") {
        for place in listed.indices {
          listed[place].verification = listed[place].point.flatMap(damage.verification)
        }
      }
      found += listed
    }
    if let name = unknown.first {
      throw BackupError(.notFound, "no domain and no backup of a domain with name '\(name)'")
    }
    if !arguments.flag("all") {
      let shown: Set = ["complete", "damaged"]
      hidden = found.count { !shown.contains($0.state) }
      found.removeAll { !shown.contains($0.state) }
      if !arguments.flag("details") { damaged = found.count { $0.state == "damaged" } }
    }
    titles = DomainTitles(found.compactMap(\.point?.manifest))
    entries =
      arguments.flag("topological")
      ? found : BackupListing.inOrder(found, ofOnePool: repositories.count == 1)
  }

  /// Sorts by domain, and the points of a domain from the oldest to the newest.
  ///
  /// In one pool they have an order, whatever the clock said; those of several have their times alone.
  private static func inOrder(_ entries: [Entry], ofOnePool: Bool) -> [Entry] {
    let keyed = entries.map { entry in
      let age = ofOnePool ? entry.sequence.map { Int64($0) } : entry.time
      return (
        entry: entry, domain: (entry.domain.lowercased(), entry.domainUUID ?? ""),
        age: (age ?? .max, entry.name.lowercased(), entry.pool)
      )
    }
    return keyed.sorted { $0.domain == $1.domain ? $0.age < $1.age : $0.domain < $1.domain }
      .map(\.entry)
  }

  /// Every point and every document that is none, those of some domains where these are given.
  private static func entries(
    _ catalog: Catalog, pool: String, domains: Set<String>?, host: HostIdentity?,
    inspection: Inspection?, isDamaged: (Point) -> Bool
  ) throws -> [Entry] {
    var entries = catalog.points.filter {
      domains?.contains($0.manifest.domainUUID) ?? true
    }.map { point in
      Entry(
        name: point.manifest.name, point: point, domain: point.manifest.domainName,
        domainUUID: point.manifest.domainUUID, sequence: point.manifest.sequence, pool: pool,
        state: inspection.map { point.state($0.problems(of: point)) }
          ?? point.state(isDamaged: isDamaged(point)),
        time: point.manifest.creationTime,
        parent: point.manifest.parent.map {
          catalog.point(uuid: $0)?.manifest.name ?? $0
        })
    }
    for pending in catalog.pending
    where domains?.contains(pending.partial.domainUUID) ?? true {
      guard case .create(let manifest, _, _, _) = pending.partial.operation,
        catalog.point(uuid: manifest.uuid) == nil
      else { continue }
      entries.append(
        Entry(
          name: manifest.name, point: nil, domain: manifest.domainName,
          domainUUID: manifest.domainUUID, sequence: manifest.sequence, pool: pool,
          state: host.map { Workplace.process.isHere(pending.partial, $0) } ?? false
            ? "running" : "running on \(pending.partial.host.name ?? pending.partial.owner.host)",
          time: manifest.creationTime, parent: nil))
    }
    // Whose they are nobody can tell: they may be the domain's.
    entries += catalog.broken.map {
      Entry(
        name: $0.volume, point: nil, domain: "-", pool: pool,
        state: $0.isNewer ? "of a newer version" : "incomplete", time: nil, parent: nil)
    }
    return entries
  }

  private static func filtered(
    _ entries: [Entry], catalog: Catalog, arguments: Arguments
  ) throws -> [Entry] {
    var allowed: Set<String>?
    if let from = try arguments.string("from") {
      guard let origin = entries.compactMap(\.point).first(where: { $0.manifest.name == from })
      else {
        throw BackupError(
          .notFound, "Domain backup not found: no domain backup with matching name '\(from)'")
      }
      let uuid = origin.manifest.uuid
      let points =
        arguments.flag("descendants") || arguments.flag("tree")
        ? catalog.descendants(of: uuid) : catalog.children(of: uuid)
      allowed = Set(points.map(\.manifest.uuid))
      if arguments.flag("tree") { allowed?.insert(uuid) }
    }
    return entries.filter { entry in
      guard let uuid = entry.point?.manifest.uuid else { return allowed == nil }
      if let allowed, !allowed.contains(uuid) { return false }
      if arguments.flag("roots"), entry.parent != nil { return false }
      let isLeaf = catalog.children(of: uuid).isEmpty
      if arguments.flag("leaves") != arguments.flag("no-leaves"),
        isLeaf != arguments.flag("leaves")
      {
        return false
      }
      return true
    }
  }

  // MARK: - Showing it

  func show(on shell: Shell<Client>) { shell.print(table) }

  var names: [String]? { entries.map(\.name) }

  /// The list as a table.
  private var table: Table {
    let isDetailed = arguments.flag("details")
    let showsState = isDetailed || arguments.flag("all")
    let showsPools = arguments.flag("all-pools")
    var header = ["Name", "Domain", "Creation Time", "Type", "Size"]
    if showsPools { header.append("Pool") }
    if hasSeveralHosts { header.append("Host") }
    if showsState { header.append("State") }
    if isDetailed { header += ["Protected", "Verified", "Disks"] }
    if arguments.flag("parent") || isDetailed { header.append("Parent") }
    if isDetailed { header.append("Description") }
    var table = Table()
    table.header = header
    for entry in entries {
      let manifest = entry.point?.manifest
      var cells = [
        entry.name, title(of: entry), entry.time.map(Timestamp.local(seconds:)) ?? "-",
        entry.point?.type.rawValue ?? "-",
        entry.point.map { ByteCount.text($0.size) } ?? "-",
      ]
      if showsPools { cells.append(entry.pool) }
      if hasSeveralHosts { cells.append(entry.point?.hostTitle ?? "-") }
      if showsState { cells.append(entry.state) }
      if isDetailed { cells.append(manifest.map { $0.isProtected ? "yes" : "no" } ?? "-") }
      if isDetailed { cells.append(entry.verification?.summary ?? "-") }
      if isDetailed { cells.append(manifest?.disks.map(\.name).joined(separator: ",") ?? "-") }
      if arguments.flag("parent") || isDetailed { cells.append(entry.parent ?? "-") }
      if isDetailed { cells.append(manifest?.description ?? "-") }
      table.rows.append(cells)
    }
    return table
  }

  /// Returns the title of a line's domain, or its mere name where the UUID is unknown.
  func title(of entry: Entry) -> String {
    entry.domainUUID.map { titles.title(entry.domain, $0) } ?? entry.domain
  }

  var json: JSONValue {
    .object([
      "backups": .array(
        entries.map { entry in
          entry.point?.json(
            pool: entry.pool, state: entry.state, parent: entry.parent,
            verification: entry.verification)
            ?? .object([
              "name": .string(entry.name), "domain": .string(entry.domain),
              "pool": .string(entry.pool), "state": .string(entry.state),
            ])
        })
    ])
  }
}
