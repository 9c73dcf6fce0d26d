// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import QMP

/// A monitor that answers from a script.
private final class ScriptedMonitor: Monitor {
  private var replies: [String]
  private(set) var sent: [String] = []

  init(_ replies: String...) { self.replies = replies }

  func send(_ line: String, descriptors: [Int32]) -> String {
    sent.append(line)
    return replies.isEmpty ? "{}" : replies.removeFirst()
  }

  func nextEvent(timeoutMilliseconds: Int) -> Event? { nil }
}

/// What QEMU answers.
struct ReplyTests {
  @Test
  func `nodes are read, unknown members and nameless bitmaps too`() throws {
    let monitor = ScriptedMonitor(
      """
      {"return": [
        {"node-name": "libvirt-1-format", "drv": "qcow2", "ro": false, "new-member": {"x": [1]},
         "image": {"virtual-size": 1073741824, "actual-size": 200704, "filename": "/x",
           "snapshots": [{"name": "s1", "id": "1", "vm-state-size": 0}],
           "format-specific": {"type": "qcow2", "data": {"compat": "1.1", "lazy-refcounts": false}}},
         "dirty-bitmaps": [
           {"count": 0, "granularity": 65536, "recording": true, "busy": true, "persistent": false},
           {"name": "b", "count": 131072, "granularity": 65536, "recording": false, "busy": false,
            "persistent": true, "inconsistent": true}]},
        {"node-name": "libvirt-1-storage", "drv": "file",
         "image": {"virtual-size": 18446744073709551615, "format-specific":
           {"type": "file", "data": 7}}}],
       "id": "libvirt-22"}
      """)
    let nodes = try monitor.blockNodes()
    #expect(nodes.map(\.nodeName) == ["libvirt-1-format", "libvirt-1-storage"])
    let bitmaps = try #require(nodes[0].dirtyBitmaps)
    #expect(bitmaps.map(\.name) == [nil, "b"])
    #expect(bitmaps.map(\.inconsistent) == [nil, true])
    #expect(bitmaps.map(\.recording) == [true, false] && bitmaps[0].busy)
    #expect(nodes[0].image.snapshots?.map(\.name) == ["s1"])
    #expect(nodes[0].image.formatSpecific?.data?.compat == "1.1")
    #expect(nodes[1].image.virtualSize == .max && nodes[1].image.actualSize == nil)
    #expect(nodes[1].dirtyBitmaps == nil && nodes[1].image.formatSpecific?.data == nil)
    #expect(
      monitor.sent == [#"{"arguments":{"flat":true},"execute":"query-named-block-nodes"}"#])
  }

  @Test
  func `devices and jobs are read`() throws {
    let monitor = ScriptedMonitor(
      #"{"return": "n"}"#, #"{"return": ""}"#,
      #"{"return": [{"name": "a", "type": "child<SCSI>"}, {"name": "b", "type": "str"}]}"#,
      """
      {"return": [{"id": "j", "type": "backup", "status": "concluded", "current-progress": 5,
        "total-progress": 7, "error": "No space left on device"}]}
      """)
    #expect(try monitor.drive(of: "/machine/x") == "n" && monitor.drive(of: "/machine/y") == nil)
    #expect(try monitor.properties(of: "/machine/z").map(\.isChild) == [true, false])
    #expect(
      try monitor.jobs() == [
        JobInfo(
          id: "j", status: "concluded", currentProgress: 5, totalProgress: 7,
          error: "No space left on device")
      ])
  }

  @Test
  func `a refusal is an error with QEMU's class and text`() {
    let monitor = ScriptedMonitor(
      #"{"id": "libvirt-7", "error": {"class": "DeviceNotFound", "desc": "Cannot find 'x'"}}"#)
    let error = #expect(throws: QMPError.self) { try monitor.execute(.blockdevDel("x")) }
    #expect(
      error
        == QMPError(command: "blockdev-del", errorClass: "DeviceNotFound", desc: "Cannot find 'x'"))
    #expect(
      error.map { "\($0)" }
        == "internal error: unable to execute QEMU command 'blockdev-del': Cannot find 'x'")
  }

  @Test
  func `an empty result is success`() throws {
    try ScriptedMonitor(#"{"return": {}}"#).execute(.blockdevDel("x"))
  }

  @Test(arguments: [
    "", "x", "[]", "{}", "{\"return\": 7}", #"{"return": [{"node-name": 7}]}"#,
    #"{"error": "text"}"#, #"{"return": [{"node-name": "n", "drv": "raw"}]}"#,
  ])
  func `what is no reply is an error`(reply: String) {
    #expect(throws: (any Error).self) { try ScriptedMonitor(reply).blockNodes() }
  }

  @Test
  func `an event's data is read, or none`() {
    let event = Event(name: "JOB_STATUS_CHANGE", json: #"{"id":"j","status":"pending"}"#)
    #expect(event.data["id"] == "j" && event.data["status"]?.string == "pending")
    #expect(Event(name: "X", json: "{").data == .null && Event(name: "X", json: nil).data == .null)
  }
}
