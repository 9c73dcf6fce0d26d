// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials
import Glibc
import QMP
import Vsh

/// The program that does a run's steps: this very one, with the connection that the run has.
struct RunProgram {
  /// Time after which a step is asked to end; nil for no limit.
  var limit: Duration?
  /// The time of day, in seconds since 1970-01-01T00:00:00Z.
  var time: () -> Int64
  private let path: String
  private let options: [String]

  /// Takes over what was said about the connection.
  init(_ client: Client, limit: Duration?) {
    self.init(path: "/proc/self/exe", options: client.connectionOptions, limit: limit)
  }

  /// Starts another program.
  ///
  /// - Parameters:
  ///   - path: The program.
  ///   - options: What comes before each command.
  ///   - limit: How long a step may take; nil for ever.
  ///   - time: The time of day.
  init(
    path: String, options: [String], limit: Duration?,
    time: @escaping () -> Int64 = { Int64(Glibc.time(nil)) }
  ) {
    self.path = path
    self.options = options
    self.limit = limit
    self.time = time
  }

  /// The step that runs a command.
  func step(_ words: [String]) -> Crew.Step {
    // Messages in the words that we know, and no text for who debugs us.
    Crew.Step(
      child: Child(
        path, options + words,
        environment: [ParentWatch.variable: "1", "VIRSH_DEBUG": nil, "VIRSH_LOG_FILE": nil]),
      limit: limit)
  }
}

extension JSONValue {
  /// Reads a document; nil where the text is none.
  init?(document text: String) {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else {
      return nil
    }
    self = value
  }

  /// The elements of an array; none where this is none.
  var elements: [JSONValue] {
    guard case .array(let values) = self else { return [] }
    return values
  }
}
