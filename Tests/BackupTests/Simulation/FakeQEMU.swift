// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import QMP

/// QEMU as far as the end of an operation goes: nodes with their bitmaps, jobs, and the devices' nodes.
///
/// A command does all of it or fails, as QEMU's do. Whoever uses it from several threads takes turns.
final class FakeQEMU: Monitor {
  /// A block node.
  struct Node {
    var driver: String
    var bitmaps: [BlockDirtyInfo] = []
    /// The file that it has open; nil for a node over others.
    var file: FakeFiles.Handle?
    /// The nodes that it stands on.
    var below: [String] = []
    /// Bytes of the disk.
    var size: UInt64 = 1 << 30
  }

  var nodes: [String: Node] = [:]
  var jobs: [String: JobInfo] = [:]
  /// The node of each device.
  var drives: [String: String] = [:]
  /// The nodes whose flush fails.
  var broken: Set<String> = []
  /// The number of times that each node was flushed.
  private(set) var flushes: [String: Int] = [:]
  /// The source and target of each mirror, by the jobs' ids.
  var mirrors: [String: Mirror] = [:]
  /// The streams by the jobs' ids.
  var streams: [String: Stream] = [:]
  /// The copies of disks by the jobs' ids.
  var backups: [String: Backup] = [:]
  /// The data that the images of nodes have, and their files do not have yet.
  var unwritten: [String: [Int: String]] = [:]
  /// The number of times that a device was given the node it had, of which QEMU and its guest die.
  private(set) var assertions = 0
  /// The files of its host, where it opens some.
  var files: FakeFiles?

  /// QEMU's refusal of a command.
  struct Refusal: Error {
    var text: String
  }

  typealias Members = [String: Any]

  /// The kind of step that a command is.
  static func step(of line: String) -> Step {
    let looks = ["query-", "qom-get", "qom-list"]
    return looks.contains { line.contains("\"execute\":\"\($0)") } ? .look() : .change
  }

  /// Lets time pass, in which jobs copy what there is.
  func nextEvent(timeoutMilliseconds: Int) -> Event? {
    copyAll()
    return nil
  }

  func send(_ line: String, descriptors: [Int32]) throws -> String {
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? Members ?? [:]
    let command = object["execute"] as? String ?? ""
    do {
      return "{\"return\":\(try execute(command, object["arguments"] as? Members ?? [:]))}"
    } catch let refusal as Refusal {
      return "{\"error\":{\"class\":\"GenericError\",\"desc\":\"\(refusal.text)\"}}"
    }
  }

  /// Does a command, and returns its result as JSON: no text in it needs an escape.
  private func execute(_ command: String, _ arguments: Members) throws -> String {
    func argument(_ name: String) -> String { arguments[name] as? String ?? "" }
    switch command {
    case "query-jobs": return list(jobs.values.sorted { $0.id < $1.id }.map(described))
    case "query-named-block-nodes":
      return list(nodes.sorted { $0.key < $1.key }.map { described($0.key, $0.value) })
    case "query-block-exports", "query-fdsets", "query-chardev", "qom-list": return list([])
    case "qom-get": return "\"\(drives[argument("path")] ?? "")\""
    case "qom-set": try setDrive(argument("path"), argument("value"))
    case "blockdev-del":
      guard nodes[argument("node-name")] != nil else {
        throw Refusal(text: "Failed to find node with node-name='\(argument("node-name"))'")
      }
      guard !drives.values.contains(argument("node-name")), !isUsed(argument("node-name")) else {
        throw Refusal(text: "Node \(argument("node-name")) is in use")
      }
      flush(argument("node-name"))
      nodes[argument("node-name")] = nil
    case "blockdev-reopen": try reopen(arguments["options"] as? [Members] ?? [])
    case "block-dirty-bitmap-remove": try removeBitmap(arguments)
    case "transaction": try transact(arguments["actions"] as? [Members] ?? [])
    case "job-finalize": try end(argument("id"), from: ["pending"], error: nil)
    case "job-cancel":
      try end(argument("id"), from: ["running", "ready", "pending"], error: "Operation canceled")
    case "job-dismiss":
      guard jobs[argument("id")]?.status == "concluded" else {
        throw Refusal(text: "Job not found, or not concluded")
      }
      jobs[argument("id")] = nil
    default: try copy(command, arguments)
    }
    return "{}"
  }

  /// Ends a job that is in one of these states.
  func end(_ id: String, from states: Set<String>, error: String?) throws {
    guard let job = jobs[id], states.contains(job.status) else {
      throw Refusal(text: "Job '\(id)' cannot accept this command")
    }
    if error == nil { link(id) }
    jobs[id] = JobInfo(id: id, type: job.type, status: "concluded", error: error)
  }

  private func setDrive(_ device: String, _ name: String) throws {
    if drives[device] == name { assertions += 1 }
    // What stands on a filter has it keep all others from the disk.
    for (filter, node) in nodes
    where node.driver == "copy-before-write" && node.below.contains(name) && isUsed(filter) {
      throw Refusal(text: "Permission conflict on node '\(name)'")
    }
    drives[device] = name
  }

  private func reopen(_ options: [Members]) throws {
    for option in options {
      let name = option["node-name"] as? String ?? ""
      guard let node = nodes[name] else {
        throw Refusal(text: "Failed to find node with node-name='\(name)'")
      }
      let backing = node.below.dropFirst().first
      guard option["backing"] == nil || option["backing"] as? String == backing else {
        throw Refusal(text: "Cannot change 'backing' link of '\(name)'")
      }
      flushes[name, default: 0] += 1
      guard !broken.contains(name) else { throw Refusal(text: "Input/output error") }
      flush(name)
      if option["driver"] as? String == "raw", let file = option["file"] as? String {
        nodes[name]?.below = [file]
      }
    }
    // All are flushed before the first is changed, which a node of that kind cannot be.
    if options.first?["size"] != nil { throw Refusal(text: "Cannot change the option 'size'") }
  }

  private func transact(_ actions: [Members]) throws {
    let before = nodes
    do {
      for action in actions {
        let data = action["data"] as? Members ?? [:]
        switch action["type"] as? String {
        case "block-dirty-bitmap-add": try addBitmap(data)
        case "block-dirty-bitmap-remove": try removeBitmap(data)
        case "block-dirty-bitmap-merge": try mergeBitmaps(data)
        case "blockdev-backup": try backUp(data)
        default: throw Refusal(text: "unknown action")
        }
      }
    } catch {
      nodes = before
      throw error
    }
  }

  private func addBitmap(_ data: Members) throws {
    let node = data["node"] as? String ?? "", name = data["name"] as? String ?? ""
    guard let bitmaps = nodes[node]?.bitmaps else { throw Refusal(text: "no node \(node)") }
    guard !bitmaps.contains(where: { $0.name == name }) else {
      throw Refusal(text: "Bitmap already exists: \(name)")
    }
    nodes[node]?.bitmaps.append(
      BlockDirtyInfo(name: name, persistent: data["persistent"] as? Bool ?? false))
  }

  private func removeBitmap(_ data: Members) throws {
    let node = data["node"] as? String ?? "", name = data["name"] as? String ?? ""
    guard let place = nodes[node]?.bitmaps.firstIndex(where: { $0.name == name }) else {
      throw Refusal(text: "Dirty bitmap '\(name)' not found")
    }
    nodes[node]?.bitmaps.remove(at: place)
  }

  private func list(_ members: [String]) -> String { "[\(members.joined(separator: ","))]" }

  private func described(_ job: JobInfo) -> String {
    let error = job.error.map { ",\"error\":\"\($0)\"" } ?? ""
    return """
      {"id":"\(job.id)","type":"\(job.type)","status":"\(job.status)",\
      "current-progress":1,"total-progress":1\(error)}
      """
  }

  private func described(_ name: String, _ node: Node) -> String {
    let bitmaps = node.bitmaps.map { bitmap in
      """
      {"name":"\(bitmap.name ?? "")","count":0,"granularity":65536,\
      "recording":\(bitmap.recording),"busy":false,"persistent":\(bitmap.persistent)}
      """
    }
    let format =
      node.driver == "qcow2"
      ? ",\"format-specific\":{\"type\":\"qcow2\",\"data\":{\"compat\":\"1.1\"}}" : ""
    return """
      {"node-name":"\(name)","drv":"\(node.driver)",\
      "image":{"virtual-size":\(node.size)\(format)},"dirty-bitmaps":\(list(bitmaps))}
      """
  }
}
