// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP

extension FuzzTarget {
  /// QEMU's replies and events.
  static let qmp = FuzzTarget(name: "qmp") { bytes in
    let reply = text(bytes)
    let monitor = Replier(reply: reply)
    _ = try? monitor.blockNodes()
    _ = try? monitor.drive(of: reply)
    _ = try? monitor.properties(of: reply)
    _ = try? monitor.jobs()
    _ = try? monitor.descriptorSets()
    let event = Event(name: "E", json: reply)
    try expect(
      Event(name: "E", json: event.data.text) == event, "a value is read back: \(reply)")
    if let value = try? monitor.execute(Command("query-any"), returning: JSONValue.self) {
      let again = Replier(reply: JSONValue.object(["return": value]).text)
      try expect(
        try again.execute(Command("query-any"), returning: JSONValue.self) == value,
        "a reply is read back: \(reply)")
    }
  }

  /// A monitor that always says the same.
  private final class Replier: Monitor {
    private let reply: String

    init(reply: String) { self.reply = reply }

    func send(_ line: String, descriptors: [Int32]) -> String { reply }

    func nextEvent(timeoutMilliseconds: Int) -> Event? { nil }
  }
}
