// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Builtins {
  /// `echo`: prints words, quoted for another language if asked.
  static func echo<Context>() -> Command<Context> {
    Command(
      "echo",
      summary: "print words",
      description: "Prints the words it is given, quoted for another language if asked.",
      options: [
        .bool("shell", "quote for a shell"),
        .bool("xml", "quote for XML"),
        .bool("split", "a line for each part between commas; ',,' is a comma"),
        .bool("err", "print as an error message"),
        .alias("str", for: "string"),
        .alias("hi", for: "string", value: "hello"),
        .string("prefix", "a word before the others").hidden,
        .list("string", "the words"),
      ],
      rules: [
        .excludes("shell", "xml", "split").unannounced, .excludes("xml", "split").unannounced,
      ],
      needsConnection: false
    ) { shell, arguments in
      let prefix = try arguments.string("prefix").map { [$0] } ?? []
      let format = ["shell", "xml", "split"].first(where: arguments.flag)
      let words = arguments.strings("string").map { word in
        switch format {
        case "shell": Quoting.shell(word)
        case "xml": Quoting.xml(word)
        case "split": Quoting.commaParts(word).reduce(into: "") { $0 += $1 + "\n" }
        default: word
        }
      }
      let text = (prefix + words).joined(separator: " ")
      if !arguments.flag("err") {
        shell.print(text, terminator: "")
      } else if !words.isEmpty || !prefix.isEmpty {
        shell.error(text)
      }
      return true
    }
  }
}
