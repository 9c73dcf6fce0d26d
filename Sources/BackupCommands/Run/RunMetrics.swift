// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

/// The metrics of a run, in the text format that Prometheus' node_exporter collects from files.
///
/// A value that an earlier run wrote stays where this run has none and the domain still exists; a
/// domain whose policy leaves it out has no values.
struct RunMetrics {
  /// A value of a domain.
  private struct Sample {
    var metric: String
    var domain: String
    /// The line, labels and value.
    var line: String
  }

  private static let help: [(metric: String, text: String)] = [
    ("last_success_timestamp_seconds", "When the newest backup of the domain was made."),
    ("last_run_timestamp_seconds", "When the last run was done with the domain."),
    ("last_run_success", "Whether the last run made a backup of the domain."),
    ("last_size_bytes", "Size of the newest backup of the domain."),
    ("last_duration_seconds", "How long the last run took for the domain."),
    ("points", "Backups of the domain in its pool."),
    ("last_full_disks", "Disks that the last run backed up in full, by the reason."),
    ("last_problems", "Steps of the last run that failed for the domain."),
  ]

  private let report: RunReport
  private let samples: [Sample]

  /// Makes the metrics of a run.
  ///
  /// - Parameters:
  ///   - report: What it came to.
  ///   - before: What the file had; empty for nothing.
  ///   - domains: Names of all domains that exist.
  init(_ report: RunReport, before: String, domains: Set<String>) {
    self.report = report
    let new = report.domains.flatMap(RunMetrics.samples(of:))
    let told = Set(new.map { "\($0.metric) \($0.domain)" })
    let run = Set(report.domains.filter { $0.ended != nil }.map(\.task.name))
    let off = Set(report.domains.filter { $0.result == .off }.map(\.task.name))
    let old = RunMetrics.samples(in: before).filter { sample in
      // A full of the run before is none of this one.
      let isOver = sample.metric == "last_full_disks" && run.contains(sample.domain)
      return domains.contains(sample.domain) && !off.contains(sample.domain) && !isOver
        && !told.contains("\(sample.metric) \(sample.domain)")
    }
    samples = old + new
  }

  /// The file.
  var text: String {
    var text = ""
    for (metric, help) in RunMetrics.help {
      let lines = samples.filter { $0.metric == metric }.map(\.line).sorted()
      if lines.isEmpty { continue }
      text += RunMetrics.header(metric, help) + lines.map { "virsh_backup_\($0)\n" }.joined()
    }
    return text
      + RunMetrics.header("run_timestamp_seconds", "When the last run ended.")
      + "virsh_backup_run_timestamp_seconds \(report.ended)\n"
      + RunMetrics.header("run_duration_seconds", "How long the last run took.")
      + "virsh_backup_run_duration_seconds \(report.ended - report.began)\n"
  }

  private static func header(_ metric: String, _ help: String) -> String {
    "# HELP virsh_backup_\(metric) \(help)\n# TYPE virsh_backup_\(metric) gauge\n"
  }

  private static func samples(of domain: DomainReport) -> [Sample] {
    let name = domain.task.name
    let label = "domain=\"\(escaped(name))\""
    func sample(_ metric: String, _ value: String, _ more: String = "") -> Sample {
      Sample(metric: metric, domain: name, line: "\(metric){\(label)\(more)} \(value)")
    }
    // One that is off, or whose turn did not come, has no values of this run.
    guard let ended = domain.ended else { return [] }
    var samples = [
      sample("last_run_timestamp_seconds", "\(ended)"),
      sample("last_run_success", domain.result == .created ? "1" : "0"),
      sample("last_duration_seconds", "\((domain.seconds * 1000).rounded() / 1000)"),
      sample("last_problems", "\(domain.problems.count)"),
    ]
    if let created = domain.created {
      samples.append(sample("last_success_timestamp_seconds", "\(created)"))
    }
    if let size = domain.size { samples.append(sample("last_size_bytes", "\(size)")) }
    if let points = domain.points { samples.append(sample("points", "\(points)")) }
    for (code, fulls) in Dictionary(grouping: domain.fulls, by: \.code) {
      samples.append(
        sample("last_full_disks", "\(fulls.count)", ",reason=\"\(escaped(code))\""))
    }
    return samples
  }

  /// The values of domains in a file of ours; what else is in it is passed over.
  private static func samples(in text: String) -> [Sample] {
    text.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("virsh_backup_"), let brace = line.firstIndex(of: "{") else {
        return nil
      }
      let rest = line[line.index(line.startIndex, offsetBy: "virsh_backup_".count)...]
      let metric = String(rest[..<brace])
      guard help.contains(where: { $0.metric == metric }),
        let domain = label("domain", in: line[line.index(after: brace)...])
      else { return nil }
      return Sample(metric: metric, domain: domain, line: String(rest))
    }
  }

  /// The value of the label that comes first; nil where it is another.
  private static func label(_ name: String, in labels: Substring) -> String? {
    guard labels.hasPrefix("\(name)=\"") else { return nil }
    var value = ""
    var isEscaped = false
    for scalar in labels.unicodeScalars.dropFirst(name.unicodeScalars.count + 2) {
      if isEscaped {
        value.unicodeScalars.append(scalar == "n" ? "\n" : scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else if scalar == "\"" {
        return value
      } else {
        value.unicodeScalars.append(scalar)
      }
    }
    return nil
  }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
