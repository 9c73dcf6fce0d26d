// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

@Suite struct ProgressTests {
  private func disk(_ done: UInt64, _ total: UInt64, _ name: String = "vda") -> DiskProgress {
    DiskProgress(name: name, done: done, total: total)
  }

  @Test(arguments: [
    (0, 100, false, "\rBackup: [  0 %]"), (45, 100, false, "\rBackup: [ 45 %]"),
    (100, 100, false, "\rBackup: [ 99 %]"), (0, 0, false, "\rBackup: [  0 %]"),
    (200, 100, false, "\rBackup: [ 99 %]"), (7, 100, true, "\rBackup: [100 %]"),
    (UInt64.max, UInt64.max, false, "\rBackup: [ 99 %]"),
  ])
  func `the share as virsh shows it`(
    done: UInt64, total: UInt64, isFinished: Bool, expected: String
  ) {
    let text = ProgressText.percent(label: "Backup", [disk(done, total)], isFinished: isFinished)
    #expect(text == expected)
  }

  @Test func `disks count together`() {
    let disks = [disk(10, 10), disk(0, 90, "vdb")]
    #expect(
      ProgressText.percent(label: "Copy", disks, isFinished: false) == "\rCopy: [ 10 %]")
  }

  @Test(arguments: [
    (
      100,
      "vda [=================>                    ]  46 %     4.70 GiB /   10.00 GiB  100.00 MiB/s     0:55"
    ),
    (60, "vda [=========>           ]  46 %     4.70 GiB /   10.00 GiB"),
    (40, "vda [=============>              ]  46 %"), (12, "vda  46 %"), (5, "vda  "),
  ])
  func `a bar leaves out what does not fit`(width: Int, expected: String) {
    let text = ProgressText.bar(
      disk(5_046_586_572, 10_737_418_240), nameWidth: 3, rate: 104_857_600, width: width)
    #expect(text == expected)
    #expect(text.count <= width)
  }

  @Test(arguments: [
    (0, "0:00"), (0.2, "0:01"), (47, "0:47"), (60, "1:00"), (3599, "59:59"), (3600, "1:00:00"),
    (86_399, "23:59:59"), (1e300, "99:59:59"), (-5, "0:00"),
  ])
  func `durations`(seconds: Double, expected: String) {
    #expect(ProgressText.duration(seconds: seconds) == expected)
  }

  @Test func `the share is written when it changes, ten times a second at most`() {
    let recorder = Recorder()
    var progress = Progress(.percent(label: "B"), output: recorder.output)
    progress.update([disk(1, 100)], at: 10)
    progress.update([disk(2, 100)], at: 10.05)
    progress.update([disk(3, 100)], at: 10.2)
    progress.update([disk(3, 100)], at: 10.4)
    progress.finish([disk(100, 100)], at: 10.41)
    #expect(recorder.err == "\rB: [  1 %]\rB: [  3 %]\rB: [100 %]")
  }

  @Test func `bars are drawn over the last ones`() {
    let recorder = Recorder()
    var progress = Progress(.bars, output: recorder.output, size: { Terminal.Size(columns: 20) })
    let disks = [disk(1, 4), disk(4, 4, "sda1")]
    progress.update(disks, at: 0)
    progress.update(disks, at: 1)
    let lines = "\rvda   25 %\u{1B}[K\n\rsda1 100 %\u{1B}[K\n\u{1B}[J"
    #expect(recorder.err == lines + "\u{1B}[2A" + lines)
  }

  @Test func `bars follow the size of the terminal`() {
    let recorder = Recorder()
    var size = Terminal.Size(columns: 41)
    var progress = Progress(.bars, output: recorder.output, size: { size })
    let disks = [disk(1, 4), disk(4, 4, "vdb")]
    progress.update(disks, at: 0)
    size.columns = 10
    recorder.err = ""
    progress.update(disks, at: 1)
    #expect(
      recorder.err == "\u{1B}[2A\rvda  25 %\u{1B}[K\n\rvdb 100 %\u{1B}[K\n\u{1B}[J")
  }

  @Test func `disks for which there is no line are one, those that are done first`() {
    let recorder = Recorder()
    let size = Terminal.Size(columns: 14, rows: 4)
    var progress = Progress(.bars, output: recorder.output, size: { size })
    progress.update(
      [disk(4, 4), disk(1, 4, "vdb"), disk(4, 4, "vdc"), disk(2, 4, "vdd"), disk(0, 4, "vde")],
      at: 0)
    let lines = recorder.err.split(separator: "\n").dropLast()
    #expect(
      lines.map { $0.dropFirst().prefix { $0 != "\u{1B}" } }
        == ["vdb     25 %", "vdd     50 %", "3 more  66 %"])
  }

  @Test func `the rate is that of the last seconds`() {
    let recorder = Recorder()
    var progress = Progress(.bars, output: recorder.output, size: { Terminal.Size(columns: 120) })
    progress.update([disk(0, 1 << 30)], at: 0)
    #expect(!recorder.err.contains("/s"))
    for second in 1...20 {
      progress.update([disk(UInt64(second) << 20, 1 << 30)], at: Double(second))
    }
    #expect(recorder.err.contains("1.00 MiB/s"))
    for second in 21...40 {
      progress.update([disk(20 << 20 + UInt64(second - 20) << 21, 1 << 30)], at: Double(second))
    }
    #expect(recorder.err.hasSuffix("  2.00 MiB/s     8:02\u{1B}[K\n\u{1B}[J"))
  }

  @Test func `nothing is drawn when nothing is asked for`() {
    let recorder = Recorder()
    var progress = Progress(.none, output: recorder.output)
    progress.update([disk(1, 2)], at: 0)
    progress.finish([disk(2, 2)], at: 1)
    #expect(recorder.all == "")
  }
}
