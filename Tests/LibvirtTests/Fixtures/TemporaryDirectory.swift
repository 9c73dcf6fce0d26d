// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// A directory that goes, with all that is in it, when the body is done or has failed.
///
/// - Parameter body: Gets the directory's absolute path, which is short enough for sockets.
/// - Returns: What the body returned.
/// - Throws: What the body threw.
func withTemporaryDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
  let path = try makeTemporaryDirectory()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// A directory that goes, with all that is in it, when the body is done or has failed.
///
/// - Parameter body: Gets the directory's absolute path, which is short enough for sockets.
/// - Returns: What the body returned.
/// - Throws: What the body threw.
func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  let path = try makeTemporaryDirectory()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

/// Makes a directory.
private func makeTemporaryDirectory() throws -> String {
  var template = Array("/tmp/vb-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw FixtureError("mkdtemp: errno \(errno)") }
  return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Why a fixture could not be made.
struct FixtureError: Error {
  /// The reason.
  let reason: String

  /// Makes an error.
  init(_ reason: String) {
    self.reason = reason
  }
}

/// Writes a file.
///
/// - Parameters:
///   - text: What to write.
///   - path: The file.
/// - Throws: An error of Foundation.
func write(_ text: String, to path: String) throws {
  try text.write(toFile: path, atomically: false, encoding: .utf8)
}

/// Reads a file.
///
/// - Parameter path: The file.
/// - Returns: Its text; empty where there is none.
func read(_ path: String) -> String {
  (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
}

/// Counts what this process has open.
///
/// - Returns: The number of descriptors.
func openDescriptors() -> Int {
  (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? -1
}

/// Kills the process whose number is in a file, where there is one.
///
/// - Parameter file: The file.
func killProcess(in file: String) {
  let number = read(file).trimmingCharacters(in: .whitespacesAndNewlines)
  if let pid = Int32(number), pid > 1 { kill(pid, SIGKILL) }
}
