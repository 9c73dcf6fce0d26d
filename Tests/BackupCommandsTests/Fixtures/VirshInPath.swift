// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

/// A `virsh` of the test's own, in a directory that comes first in `PATH`.
final class VirshInPath {
  /// What is under the name.
  enum Kind: String, CaseIterable {
    /// A link to our program.
    case link
    /// Our program itself, once more.
    case copy
    /// A script that becomes our program.
    case replacedScript
    /// A script that runs our program and waits for it.
    case script
    /// A script that runs our program by way of other processes.
    case longScript
  }

  /// The directory.
  let directory: String
  /// The value for `PATH`.
  var path: String { "\(directory):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin")" }
  /// The program.
  var virsh: String { "\(directory)/virsh" }

  /// Makes the directory, with nothing in it.
  init() throws {
    directory = "\(FileManager.default.temporaryDirectory.path)/virsh-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Makes one that leads back to our program; a script gives up when it is called too often.
  convenience init(_ kind: Kind) throws {
    try self.init()
    let files = FileManager.default
    let program = "'\(Program.path)' \"$@\""
    switch kind {
    case .link: try files.createSymbolicLink(atPath: virsh, withDestinationPath: Program.path)
    case .copy: try Command.run("cp", [Program.path, virsh]).expectSuccess()
    case .replacedScript: try write("exec \(program)")
    case .script: try write("\(program)\nexit $?")
    case .longScript: try write("/bin/sh -c 'env X=1 \"$@\"; exit $?' sh \(program)\nexit $?")
    }
  }

  /// Makes a script that takes the place of virsh.
  convenience init(script: String) throws {
    try self.init()
    try write(script)
  }

  /// Makes a virsh that notes its words and says yes to every command.
  static func noting() throws -> VirshInPath {
    try VirshInPath(
      script: """
        case "$*" in
        *"; ''") echo "error: unknown command: ''" >&2; exit 1 ;;
        esac
        """)
  }

  /// The words of each call, between brackets, and the working directory.
  var calls: [String] {
    let text = FileManager.default.contents(atPath: "\(directory)/calls") ?? Data()
    return String(decoding: text, as: UTF8.self).split(separator: "\0").map(String.init)
  }

  /// Writes a program; another process does, since it could not be run while any that we start at
  /// the same moment still has the file open.
  static func write(_ script: String, to path: String) throws {
    try Command.run("install", ["-m", "0755", "/dev/stdin", path], input: Array(script.utf8))
      .expectSuccess()
  }

  private func write(_ script: String) throws {
    let text = """
      #!/bin/sh
      { printf '[%s]' "$@"; printf '%s\\0' "$PWD"; } >>'\(directory)/calls'
      [ "$(tr -cd '\\0' <'\(directory)/calls' | wc -c)" -lt 30 ] || exit 9
      \(script)

      """
    try VirshInPath.write(text, to: virsh)
  }
}
