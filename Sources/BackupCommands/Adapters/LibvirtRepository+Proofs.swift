// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import FoundationEssentials
import Glibc
import Libvirt
import QMP
import Vsh

// The checks of a volume's content: its SHA-256, and `qemu-img check`.
extension LibvirtRepository {
  func sha256(of volume: String, progress: (UInt64) throws -> Void) throws -> String {
    try requireFile(volume)
    guard let file = try files?.openFile(volume) else {
      return try downloadedSHA256(of: volume, progress: progress)
    }
    defer { close(file) }
    try progress(0)
    // The program and we have one position in the file.
    let digest = try Digest(reading: file)
    while !digest.isReady(within: 200) {
      try progress(UInt64(max(0, lseek(file, 0, SEEK_CUR))))
    }
    let sum = Result { try digest.sum() }
    // ^C at a terminal ends the program too, which is not what went wrong.
    try progress(UInt64(max(0, lseek(file, 0, SEEK_CUR))))
    return try sum.get()
  }

  private func downloadedSHA256(
    of volume: String, progress: (UInt64) throws -> Void
  ) throws -> String {
    guard let pipe = Pipe() else { throw BackupError(.failed, "no pipe can be made") }
    let digest: Digest
    do {
      digest = try Digest(reading: pipe.reading)
    } catch {
      close(pipe.reading)
      close(pipe.writing)
      throw error
    }
    close(pipe.reading)
    let result = Result {
      var done: UInt64 = 0
      try progress(done)
      _ = try findAgain(volume)
      try withPool { try $0.volume(name: volume) }.download { bytes in
        try LibvirtRepository.write(bytes, to: pipe.writing)
        done += UInt64(bytes.count)
        try progress(done)
      }
    }
    close(pipe.writing)
    try result.get()
    let sum = Result { try digest.sum() }
    // As above.
    try progress(0)
    return try sum.get()
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = withoutPipeSignal { Glibc.write(descriptor, rest.baseAddress, rest.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Digest.failed }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  func imageCheck(of volume: String) -> ImageCheck {
    guard files != nil, access(path(of: volume), R_OK) == 0 else {
      return .unchecked("its file cannot be read from here")
    }
    let plain = ImageChecker.run(on: path(of: volume), isShared: false)
    guard case .unchecked = plain else { return plain }
    // Whoever writes into it has locked it, and what is found meanwhile says nothing.
    switch ImageChecker.run(on: path(of: volume), isShared: true) {
    case .unchecked(let reason) where ImageChecker.isMissing(reason): return .unchecked(reason)
    case .unchecked(let reason): return .damaged("qemu-img cannot open it: \(reason)")
    default: return .unchecked("something has it open to write")
    }
  }
}

/// `qemu-img check`.
private enum ImageChecker {
  private static let missing = "there is no qemu-img"

  /// True for the reason that a check gives where the host has no qemu-img.
  static func isMissing(_ reason: String) -> Bool { reason == missing }

  /// Checks an image, also where somebody writes into it.
  static func run(on path: String, isShared: Bool) -> ImageCheck {
    let child = Child(
      "/usr/bin/env",
      ["qemu-img", "check", "--output=json", "-f", "qcow2"] + (isShared ? ["-U"] : []) + [path])
    let (ending, output, errors) = child.capture()
    switch ending {
    // Clusters that nothing uses (3) take room and do no harm.
    case .exited(0), .exited(3): return .sound
    case .exited(2):
      let report = try? JSONDecoder().decode(JSONValue.self, from: Data(output.utf8))
      let count = report?["corruptions"]?.int.map(String.init) ?? "some"
      return .damaged("its tables are damaged: qemu-img check found \(count) errors")
    case .exited(127): return .unchecked(missing)
    default:
      let line = errors.split(separator: "\n").first.map(String.init)
      return .unchecked(line ?? "qemu-img failed")
    }
  }
}
