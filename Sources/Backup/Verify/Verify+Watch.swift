// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// A domain started on a point has to answer through its guest's agent, or to run on.
extension Verify {
  /// Seconds between two questions to the guest's agent.
  private static let agentInterval: Int64 = 3
  /// Bytes that a guest moves at least when it comes up; firmware that looks for something to boot
  /// moves some kilobytes.
  private static let leastTraffic: UInt64 = 1 << 20

  /// Lets a paused domain run and watches it.
  ///
  /// - Parameters:
  ///   - guest: The domain.
  ///   - kind: How its guest starts.
  ///   - limit: Seconds that it has.
  ///   - wantsScreenshot: Whether what its screen shows at the end is wanted.
  /// - Returns: What it came to.
  /// - Throws: ``BackupError`` where somebody else ended it, or the user asked to stop.
  func watch(
    _ guest: any Guest, _ kind: BootedDefinition.Start, limit: Int64, wantsScreenshot: Bool
  ) throws -> VerifyReport.Boot {
    // Listening begins with this.
    _ = try guest.monitor.nextEvent(timeoutMilliseconds: 0)
    try guest.resume()
    let start = ContinuousClock.now
    let end = start + .seconds(limit)
    var nextQuestion = start
    while ContinuousClock.now < end {
      try observer.stopIfInterrupted()
      if let failure = try failure(in: guest, until: min(end, .now + .seconds(1))) {
        return .init(isPassed: false, detail: failure)
      }
      guard kind.hasAgentChannel, ContinuousClock.now >= nextQuestion else { continue }
      if try !context.telling(.bootEnded, ifEnded: guest, { try guest.information() })
        .told.isEmpty
      {
        return .init(
          isPassed: true, detail: "its guest's agent answered",
          screenshot: wantsScreenshot ? picture(of: guest) : nil)
      }
      nextQuestion = .now + .seconds(Verify.agentInterval)
    }
    let screenshot = wantsScreenshot ? picture(of: guest) : nil
    // libvirt tells of a QEMU that has stopped answering that it runs.
    let bytes = try context.telling(.bootEnded, ifEnded: guest) {
      try guest.monitor.transferredBytes()
    }
    if !kind.hasKernel, bytes < Verify.leastTraffic {
      return .init(
        isPassed: false,
        detail: "its guest moved no more than \(bytes >> 10) KiB to and from its disks in "
          + "\(limit) s: it has not come up", screenshot: screenshot)
    }
    return .init(
      isPassed: true, detail: "it still ran after \(limit) s", screenshot: screenshot)
  }

  /// Waits for what a guest must not do.
  ///
  /// - Returns: What it did; nil where it runs at that time.
  /// - Throws: ``BackupError`` where its domain ended for another reason.
  private func failure(
    in guest: any Guest, until end: ContinuousClock.Instant
  ) throws -> String? {
    while true {
      let left = Int((end - .now) / .milliseconds(1))
      guard let event = try guest.monitor.nextEvent(timeoutMilliseconds: max(0, left)) else {
        break
      }
      if let failure = try BootFailure(event, pool: repository.name)?.text { return failure }
      if left <= 0 { break }
    }
    // Of a domain that has ended all events have come.
    do {
      _ = try guest.standstill()
    } catch {
      guard guest.hasEnded() else { throw error }
      while let event = try guest.monitor.nextEvent(timeoutMilliseconds: 0) {
        if let failure = try BootFailure(event, pool: repository.name)?.text { return failure }
      }
      throw BackupError.bootEnded
    }
    return nil
  }

  /// Takes a screenshot of a domain; nil where libvirt gives none, and the user is told why.
  private func picture(of guest: any Guest) -> [UInt8]? {
    do {
      return try guest.screenshot()
    } catch {
      observer.notice("there is no screenshot: \(error)")
      return nil
    }
  }
}

extension BackupError {
  /// A domain started on a point ended, and not by what its guest did.
  fileprivate static let bootEnded = BackupError(
    .failed, "the domain that was started on the backup was ended, which proves nothing; try again")
}

/// A fault of a guest, or of its disks, that an event of QEMU's tells.
private struct BootFailure {
  /// The same for people.
  var text: String

  /// Reads an event of QEMU's; nil for one that is fine.
  ///
  /// - Throws: ``BackupError`` for what is no fault of the guest or of its disks.
  init?(_ event: Event, pool: String) throws {
    switch event.name {
    case "SHUTDOWN":
      switch event.data["reason"]?.string {
      case "guest-reset", "subsystem-reset":
        text = "its guest was reset: it crashed, or its firmware found nothing to boot from"
      case "guest-shutdown": text = "its guest shut down"
      case "guest-panic": text = "its guest's kernel crashed"
      default: throw BackupError.bootEnded
      }
    case "RESET" where event.data["guest"] == .bool(true):
      text = "its guest was reset: it crashed, or its firmware found nothing to boot from"
    case "GUEST_PANICKED", "GUEST_CRASHLOADED": text = "its guest's kernel crashed"
    case "WATCHDOG": text = "its watchdog expired: its guest hangs"
    case "BLOCK_IO_ERROR" where event.data["nospace"] == .bool(true):
      throw BackupError(.failed, "pool '\(pool)' has no room for what the guest writes")
    case "BLOCK_IO_ERROR":
      text = "its disk '\(event.data["device"]?.string ?? "")' had an error in input or output"
    default: return nil
    }
  }
}
