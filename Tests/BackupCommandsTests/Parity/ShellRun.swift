// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

/// What virsh or our program made of a case.
///
/// What differs from run to run and from name to name is left out. Each character is a byte.
struct ShellRun: Equatable {
  /// Standard output.
  var output: String
  /// Standard error.
  var errors: String
  /// The file `@DIR/log`.
  var log: String
  /// The exit status.
  var status: Int32

  /// The installed virsh, the judge.
  static let virsh = "virsh"
}

extension ShellRun {
  /// Runs a case.
  ///
  /// - Parameters:
  ///   - program: virsh or our program.
  ///   - test: The case.
  ///   - path: Where programs are looked for, instead of where the test looks for them.
  ///   - isHelp: Whether of help pages the layout alone counts.
  /// - Throws: `CommandError` when the program could not be run, or did not end.
  init(_ program: String, _ test: ParityCase, path: String? = nil, isHelp: Bool = false) throws {
    let directory = "\(FileManager.default.temporaryDirectory.path)/parity-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var variables = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": directory,
      // readline wraps what it echoes, and our prompt is longer.
      "COLUMNS": "1000", "LC_ALL": "C.UTF-8", "LIBVIRT_DEFAULT_URI": "test:///default",
    ]
    variables.merge(test.environment) { $1 }
    if let path { variables["PATH"] = path }
    let place: (String) -> String = { $0.replacing("@DIR", with: directory) }
    let arguments = test.script.map { ["/bin/sh", "-c", $0, program] }
    let isInOne = test.expectation == .sameInOne
    let result = try Command.run(
      "/usr/bin/env",
      ["-i"] + variables.map { "\($0)=\(place($1))" }
        + (isInOne ? ["/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1"] : [])
        + (arguments ?? [program] + test.arguments.map(place)),
      input: Array(place(test.input).utf8), directory: directory, timeout: .seconds(60))
    let log = FileManager.default.contents(atPath: "\(directory)/log") ?? Data()
    let plain: ([UInt8]) -> String = { bytes in
      ShellRun.plain(
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })), directory: directory)
    }
    output = plain(result.output)
    if isHelp { output = HelpLayout.layout(of: output) }
    errors = plain(result.errorOutput)
    self.log = plain([UInt8](log))
    status = result.status
  }

  private static func plain(_ text: String, directory: String) -> String {
    text.replacing(directory, with: "@DIR")
      .replacing(
        "Welcome to virsh-backup, backup and restore for libvirt domains.", with: "Welcome"
      )
      .replacing("Welcome to virsh, the virtualization interactive terminal.", with: "Welcome")
      .replacing("virsh-backup", with: "virsh")
      .replacing(#/\(Time: [0-9]+\.[0-9]{3} ms\)/#, with: "(Time: N ms)")
      .replacing(#/\[[0-9.]{10} [0-9:]{8} virsh [0-9]+\]/#, with: "[STAMP]")
      .replacing(#/CPU time: .*/#, with: "CPU time: T")
  }
}
