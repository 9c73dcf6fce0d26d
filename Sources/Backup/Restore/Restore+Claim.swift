// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A restore that goes on without its client is ended by the client that makes the claim.
extension Restore {
  /// Takes the end of an operation on this client, unless another one has.
  ///
  /// - Returns: The number of the claim; nil where another client ends the operation or has ended it.
  /// - Throws: What libvirt throws.
  func claim(_ pending: Catalog.Pending) throws -> Int? {
    var number = 1
    while try repository.contains(pending.claim(number)) { number += 1 }
    guard try number == 1 || isAbandoned(pending, claim: number - 1) else { return nil }
    do {
      try repository.write(pending.claim(number), Array(process.owner.text.utf8))
    } catch let error as BackupError where error.code == .exists {
      return nil
    }
    guard try repository.contains(pending.volume) else {
      try repository.delete(pending.claim(number))
      return nil
    }
    // The claim may have taken so long that another client held it for abandoned.
    return try repository.contains(pending.claim(number + 1)) ? nil : number
  }

  /// Tells that the client that made a claim will not go on, or would not dare to any more.
  private func isAbandoned(_ pending: Catalog.Pending, claim number: Int) throws -> Bool {
    let claim = pending.claim(number)
    let text: [UInt8]
    do {
      text = try repository.read(claim, offset: 0, length: 512)
    } catch {
      // A client that is done takes its claim away.
      guard try !repository.contains(claim) else { throw error }
      return false
    }
    let owner = Partial.Owner(text: String(decoding: text, as: UTF8.self))
    if owner == process.owner || owner.map(process.liveness) == .dead { return true }
    // Its last sign of life; one that was killed in the moment of its claim left it empty.
    var age = try repository.age(of: claim)
    if try repository.contains(pending.mark) {
      age = min(age, try repository.age(of: pending.mark))
    }
    return age > (owner == nil ? Self.claimLimit : Journal.setupLimit)
  }

  /// Seconds after which a claim in which nothing stands is one of a client that is dead.
  private static let claimLimit: Int64 = 5

  /// Does what a claim was made for, and gives the claim back where it fails.
  func givingBack<Result>(
    _ number: Int, of pending: Catalog.Pending, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch {
      if (try? repository.contains(pending.claim(number + 1))) == false {
        try? repository.delete(pending.claim(number))
      }
      throw error
    }
  }
}
