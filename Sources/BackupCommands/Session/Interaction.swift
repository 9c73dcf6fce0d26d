// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import LineEditor
import Vsh

extension Program {
  /// Reads commands from a prompt until the user leaves.
  ///
  /// - Parameters:
  ///   - shell: The shell.
  ///   - connectsFirst: Whether the program ends at once where it cannot connect.
  /// - Returns: The exit status; what the commands come to does not matter.
  @MainActor
  static func interact(_ shell: Shell<Client>, connectsFirst: Bool) -> Int32 {
    shell.isInteractive = true
    if connectsFirst {
      do {
        try shell.context.connect(for: shell)
      } catch {
        shell.report(error)
        return EXIT_FAILURE
      }
    }
    let welcome = """
      Welcome to \(shell.programName), backup and restore for libvirt domains.

      Type:  'help' for help with commands
             'quit' to quit

      """
    // Made for the first line: the welcome comes before what is wrong with the history.
    lazy var editor = makeEditor(shell)
    shell.interact(welcome: welcome) {
      editor.readLine(prompt: shell.context.isReadOnly ? "virsh-backup > " : "virsh-backup # ")
        .map { String(rawBytes: $0) }
    }
    do {
      try editor.writeHistory()
    } catch {
      shell.error("Failed to create '\(error.directory)': \(error.reason)")
    }
    return EXIT_SUCCESS
  }

  @MainActor
  private static func makeEditor(_ shell: Shell<Client>) -> LineEditor {
    let editor = LineEditor(name: "virsh-backup", history: history(shell)) { request in
      shell.completions(line: request.line, wordStart: request.wordStart, rest: request.rest)
    }
    let client = shell.context
    editor.occurrence = LineEditor.Occurrence(
      descriptor: { client.lossDescriptor }, attend: { client.noteLoss(on: shell) })
    return editor
  }

  /// The user's history; nil where it is not known how long it may be, as in virsh.
  private static func history(_ shell: Shell<Client>) -> History? {
    var size = 500
    if let text = getenv("VIRSH_HISTSIZE").map({ String(cString: $0) }) {
      guard let number = Int32(text.drop { " \t\n\u{b}\u{c}\r".contains($0) }) else {
        shell.error("Bad $VIRSH_HISTSIZE value.")
        return nil
      }
      guard (0...500_000).contains(number) else {
        shell.error("$VIRSH_HISTSIZE value should be between 0 and 500000")
        return nil
      }
      size = Int(number)
    }
    guard let cache = environment("XDG_CACHE_HOME") ?? home.map({ "\($0)/.cache" }) else {
      return nil
    }
    return History(directory: "\(cache)/libvirt/virsh-backup", size: size)
  }

  private static var home: String? {
    environment("HOME") ?? getpwuid(getuid()).map { String(cString: $0.pointee.pw_dir) }
  }
}
