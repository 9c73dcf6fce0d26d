// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

extension Builtins {
  /// `cd`: goes to another directory, for the commands that follow.
  static func changeDirectory<Context>() -> Command<Context> {
    Command(
      "cd",
      summary: "change the working directory",
      description: "Goes to another directory; without one, to the home directory.",
      options: [
        .string(
          "dir", "the directory to go to (default: home, or else root)", positional: true,
          allowsEmpty: true)
      ],
      needsConnection: false
    ) { _, arguments in
      let named = arguments.raw("dir") ?? ""
      let directory = named.isEmpty ? homeDirectory : named
      if directory.withRawCString({ chdir($0) }) != 0 {
        throw ShellError("cd: \(String(cString: strerror(errno))): \(directory)")
      }
      return true
    }
  }

  /// `pwd`: prints the working directory.
  static func printDirectory<Context>() -> Command<Context> {
    Command(
      "pwd",
      summary: "print the working directory",
      description: "Prints the directory that relative paths start from.",
      needsConnection: false
    ) { shell, _ in
      guard let path = getcwd(nil, 0) else {
        throw ShellError("pwd: cannot get current directory: \(String(cString: strerror(errno)))")
      }
      defer { free(path) }
      shell.print(
        String(
          rawBytes: UnsafeBufferPointer(start: path, count: strlen(path)).map(
            UInt8.init(bitPattern:))))
      return true
    }
  }

  private static var homeDirectory: String {
    if let home = getenv("HOME") {
      return String(cString: home)
    }
    guard let user = getpwuid(getuid()), let home = user.pointee.pw_dir else { return "/" }
    return String(cString: home)
  }
}
