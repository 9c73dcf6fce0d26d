// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What `make install` puts where, and whether shells and man can use it.
@Suite struct InstallationTests {
  private static func has(_ program: String) -> Bool {
    (try? Command.run("sh", ["-c", "command -v \(program)"]))?.ending == .exited(0)
  }

  /// A directory for the time of a test.
  private func withDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let path = "\(FileManager.default.temporaryDirectory.path)/virsh-backup-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private func files(in directory: String) throws -> [String] {
    try Command.run("find", [".", "-type", "f", "-printf", "%M %P\n"], directory: directory)
      .expectSuccess().stdout.split(separator: "\n").map(String.init).sorted()
  }

  @Test func `the program needs no part of Foundation but its essentials`() throws {
    let text = try Command.run("readelf", ["-d", TestSupport.Program.path]).expectSuccess().stdout
    // The whole of it loads tables of all the world's languages: 10 MB and some milliseconds.
    #expect(!text.contains("[libFoundation.so]"))
  }

  @Test func `make install and make uninstall`() throws {
    try withDirectory { directory in
      func make(_ target: String) throws {
        try Command.run(
          "make",
          [
            "-C", Project.directory, target, "PROGRAM=\(TestSupport.Program.path)",
            "DESTDIR=\(directory)", "PREFIX=/opt/x",
          ], environment: ["MAKEFLAGS": ""]
        ).expectSuccess()
      }
      try make("install")
      #expect(
        try files(in: directory) == [
          "-rw-r--r-- opt/x/lib/systemd/system/virsh-backup.service",
          "-rw-r--r-- opt/x/lib/systemd/system/virsh-backup.timer",
          "-rw-r--r-- opt/x/share/bash-completion/completions/virsh-backup",
          "-rw-r--r-- opt/x/share/fish/vendor_completions.d/virsh-backup.fish",
          "-rw-r--r-- opt/x/share/man/man1/virsh-backup.1",
          "-rw-r--r-- opt/x/share/zsh/site-functions/_virsh-backup",
          "-rwxr-xr-x opt/x/bin/virsh-backup",
        ])
      let service = "\(directory)/opt/x/lib/systemd/system/virsh-backup.service"
      #expect(
        try String(contentsOfFile: service, encoding: .utf8).contains(
          "\nExecStart=/opt/x/bin/virsh-backup -c "))
      try make("uninstall")
      #expect(try files(in: directory) == [])
    }
  }

  @Test(.enabled(if: has("systemd-analyze")))
  func `systemd has nothing to complain of`() throws {
    try withDirectory { directory in
      for name in ["virsh-backup.service", "virsh-backup.timer"] {
        let text = try Project.text("packaging/systemd/\(name)")
          .replacing("/usr/bin/virsh-backup", with: "/bin/true")
        try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
      }
      let result = try Command.run(
        "systemd-analyze",
        [
          "verify", "--man=no", "--recursive-errors=no", "\(directory)/virsh-backup.timer",
          "\(directory)/virsh-backup.service",
        ])
      #expect(result.ending == .exited(0) && result.stderr == "", "\(result)")
    }
  }

  @Test(.enabled(if: has("man")), arguments: [70, 80, 100, 132])
  func `man has nothing to warn of`(width: Int) throws {
    let result = try Command.run(
      "man", ["--warnings", "-l", "\(Project.directory)/man/virsh-backup.1"],
      environment: ["LC_ALL": "C.UTF-8", "MANWIDTH": "\(width)"]
    ).expectSuccess()
    #expect(result.stderr == "")
    #expect(result.stdout.contains("backup-create"))
  }

  @Test(arguments: ["bash", "zsh", "fish"].filter(has))
  func `the completion is a script the shell accepts`(shell: String) throws {
    let names = ["bash": "virsh-backup", "zsh": "_virsh-backup", "fish": "virsh-backup.fish"]
    let name = try #require(names[shell])
    let result = try Command.run(shell, ["-n", "\(Project.directory)/completions/\(name)"])
      .expectSuccess()
    #expect(result.stderr == "")
  }
}
