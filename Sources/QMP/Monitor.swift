// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials

/// Something that carries QMP commands to one QEMU process and brings its events.
///
/// libvirt's passthrough is one (`virDomainQemuMonitorCommand`); the tests have another.
package protocol Monitor: AnyObject {
  /// Sends one line of JSON and returns the reply, which may be an error reply.
  ///
  /// - Parameters:
  ///   - line: The command.
  ///   - descriptors: Open files that go with it (`add-fd`, `getfd`).
  /// - Returns: The reply, one JSON object.
  /// - Throws: What the carrier throws when it could not deliver the command.
  func send(_ line: String, descriptors: [Int32]) throws -> String

  /// Waits for the next event.
  ///
  /// - Parameter timeoutMilliseconds: The longest wait.
  /// - Returns: The event; nil when none came in time or the wait was interrupted.
  /// - Throws: What the carrier throws when it cannot listen.
  func nextEvent(timeoutMilliseconds: Int) throws -> Event?
}

/// An event QEMU sent, `JOB_STATUS_CHANGE` for example.
package struct Event: Sendable, Equatable {
  /// Its name.
  package var name: String
  /// Its data; null where it has none.
  package var data: JSONValue

  /// Makes an event from the JSON text of its data.
  ///
  /// Text that is no JSON counts as no data: an event only wakes us, what happened is then asked.
  package init(name: String, json: String?) {
    self.name = name
    data =
      json.flatMap { try? JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) } ?? .null
  }
}

extension Monitor {
  /// Sends a command and reads its reply.
  ///
  /// - Parameters:
  ///   - command: The command.
  ///   - type: What the reply's `return` holds.
  ///   - descriptors: Open files that go with it.
  /// - Returns: The decoded `return`.
  /// - Throws: ``QMPError`` when QEMU refuses; a `DecodingError` when the reply is not of the form;
  ///   what the carrier throws.
  package func execute<Reply: Decodable>(
    _ command: Command, returning type: Reply.Type, descriptors: [Int32] = []
  ) throws -> Reply {
    let reply = try send(command.json, descriptors: descriptors)
    let decoded = try JSONDecoder().decode(Response<Reply>.self, from: Data(reply.utf8))
    if let error = decoded.error {
      throw QMPError(command: command.execute, errorClass: error.class, desc: error.desc)
    }
    guard let result = decoded.result else {
      throw QMPError(
        command: command.execute, errorClass: "GenericError", desc: "the reply holds no result")
    }
    return result
  }

  /// Sends a command whose reply says nothing but that it worked.
  ///
  /// - Throws: As ``execute(_:returning:descriptors:)``.
  package func execute(_ command: Command, descriptors: [Int32] = []) throws {
    _ = try execute(command, returning: JSONValue.self, descriptors: descriptors)
  }
}

private struct Response<Reply: Decodable>: Decodable {
  struct Failure: Decodable {
    var `class`: String
    var desc: String
  }

  var result: Reply?
  var error: Failure?

  enum CodingKeys: String, CodingKey {
    case result = "return"
    case error
  }
}
