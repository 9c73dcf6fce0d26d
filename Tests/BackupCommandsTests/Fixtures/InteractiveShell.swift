// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

/// A shell as a user has it, on a terminal, with what `make install` put beside the program.
final class InteractiveShell {
  /// A shell that completion is made for.
  enum Kind: String, CaseIterable {
    case bash, zsh, fish

    /// Whether it is here, for bash with what loads completions when they are first needed.
    var isInstalled: Bool {
      let loader = "/usr/share/bash-completion/bash_completion"
      return (try? Command.run("sh", ["-c", "command -v \(rawValue)"]))?.status == 0
        && (self != .bash || FileManager.default.fileExists(atPath: loader))
    }

    /// What a user has in the file that the shell reads at its start: a prompt, and a key that shows
    /// the line as it stands.
    fileprivate var settings: String {
      switch self {
      case .bash:
        """
        source /usr/share/bash-completion/bash_completion
        PS1='READY> '
        bind 'set enable-bracketed-paste off'
        bind -x '"\\C-x\\C-p":printf "LINE<%s>\\n" "$READLINE_LINE"'

        """
      case .zsh:
        """
        fpath=($PREFIX/share/zsh/site-functions $fpath)
        autoload -Uz compinit
        compinit -u -d $HOME/dump
        PROMPT='READY> '
        unset zle_bracketed_paste
        show-line() { print -r -- "LINE<$BUFFER>" }
        zle -N show-line
        bindkey '^X^P' show-line

        """
      case .fish:
        """
        set -g fish_greeting
        function fish_prompt
          printf 'READY> '
        end
        bind \\cx\\cp 'printf "LINE<%s>\\n" (commandline | string collect)'

        """
      }
    }

    /// Where a user has that file, below the home directory.
    fileprivate var file: String {
      switch self {
      case .bash: ".bashrc"
      case .zsh: ".zshrc"
      case .fish: ".config/fish/config.fish"
      }
    }
  }

  private let terminal: PseudoTerminal

  /// Starts a shell.
  ///
  /// - Parameters:
  ///   - kind: Which.
  ///   - prefix: Where the program was installed.
  ///   - home: A directory that becomes the user's home.
  ///   - uri: The hypervisor that is meant where none is named.
  ///   - settings: What the user has in the file that the shell reads, after the usual things.
  /// - Throws: What went wrong.
  init(_ kind: Kind, prefix: String, home: String, uri: String, settings: String = "") throws {
    let file = URL(filePath: "\(home)/\(kind.file)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try (kind.settings + settings).write(to: file, atomically: false, encoding: .utf8)
    terminal = try PseudoTerminal(
      [kind.rawValue] + (kind == .zsh ? ["-d", "-i"] : ["-i"]),
      environment: [
        "HOME": home, "ZDOTDIR": home, "PREFIX": prefix, "INPUTRC": "/dev/null",
        "XDG_CONFIG_HOME": "\(home)/.config", "XDG_DATA_HOME": "\(home)/.local/share",
        "XDG_CACHE_HOME": "\(home)/.cache", "XDG_DATA_DIRS": "\(prefix)/share:/usr/share",
        "PATH": "\(prefix)/bin:/usr/local/bin:/usr/bin:/bin", "VIRSH_DEFAULT_CONNECT_URI": uri,
      ], columns: 300)
    try terminal.expect("READY> ")
  }

  /// What becomes of a line when Tab is pressed at its end.
  ///
  /// - Throws: `CommandError` when the shell does not answer.
  func complete(_ line: String) throws -> String {
    terminal.send(
      line + PseudoTerminal.tab + PseudoTerminal.control("x") + PseudoTerminal.control("p"))
    try terminal.expect("LINE<")
    let shown = try terminal.expect(">\r\n")
    terminal.send(PseudoTerminal.control("u"))
    return String(shown.dropLast(2))
  }
}
