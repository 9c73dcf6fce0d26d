// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import FuzzTargets
import Testing

/// The inputs that the fuzzer found interesting, and those that once broke something.
@Suite struct CorpusTests {
  private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fuzz/Corpus")

  @Test(arguments: FuzzTarget.all.map(\.name)) func `every kept input is handled`(name: String)
    throws
  {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let inputs = try FileManager.default.contentsOfDirectory(
      at: Self.directory.appending(path: name), includingPropertiesForKeys: nil)
    #expect(!inputs.isEmpty)
    for input in inputs {
      let bytes = [UInt8](try Data(contentsOf: input))
      #expect(throws: Never.self, "\(input.lastPathComponent)") { try target.check(bytes) }
    }
  }

  @Test func `every corpus has a target`() throws {
    let corpora = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path)
    #expect(Set(corpora) == Set(FuzzTarget.all.map(\.name)))
  }
}
