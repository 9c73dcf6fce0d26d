// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Input that no user means, in every way in which it can come: it costs neither the program's life
/// nor much time and memory.
@Suite(.serialized) struct RobustnessTests {
  /// What the program made of an input.
  struct Outcome {
    /// Standard output.
    var output: [UInt8]
    /// Standard error.
    var errors: String
    /// The exit status.
    var status: Int32
  }

  /// Runs the program and expects that it ends by itself, within a minute of processor time and with
  /// 200 MiB at most.
  private func run(_ arguments: [String], input: [UInt8] = []) throws -> Outcome {
    let directory =
      "\(FileManager.default.temporaryDirectory.path)/virsh-backup-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // A process that starts another counts its own memory as the other's: time has little.
    let result = try Command.run(
      "time",
      ["-o", "\(directory)/cost", "-f", "%U %S %M", TestSupport.Program.path] + arguments,
      environment: [
        "HOME": directory, "XDG_CACHE_HOME": "", "VIRSH_DEFAULT_CONNECT_URI": "test:///default",
      ],
      input: input, timeout: .seconds(300))
    let cost = try String(contentsOfFile: "\(directory)/cost", encoding: .utf8)
      .split(whereSeparator: \.isWhitespace).suffix(3).compactMap { Double($0) }
    try #require(cost.count == 3, "\(cost)")
    #expect(cost[0] + cost[1] < 60, "seconds")
    #expect(cost[2] < 200 * 1024, "KiB")
    guard case .exited(let status) = result.ending else { throw CommandError("\(result.ending)") }
    return Outcome(output: result.output, errors: result.stderr, status: status)
  }

  /// Runs a session of one line, whose output begins after the line's echo.
  private func session(_ line: String) throws -> (output: ArraySlice<UInt8>, errors: String) {
    try session(bytes: Array(line.utf8))
  }

  private func session(bytes: [UInt8]) throws -> (output: ArraySlice<UInt8>, errors: String) {
    let outcome = try run(["-q"], input: bytes + [UInt8(ascii: "\n")])
    #expect(outcome.status == 0)
    let echo = outcome.output.prefix { $0 != UInt8(ascii: "\n") }
    return (outcome.output.dropFirst(echo.count + 1), outcome.errors)
  }

  private static let tenMiB = 10 << 20
  private static let hundredThousand = 100_000

  // MARK: - Long lines

  @Test func `a word of 10 MiB is printed`() throws {
    let word = String(repeating: "x", count: Self.tenMiB)
    let answer = try session("echo \(word)")
    // The prompt follows, and the line's end.
    #expect(answer.output.starts(with: word.utf8))
    #expect(answer.output.count < word.utf8.count + 40)
    #expect(answer.errors == "")
  }

  @Test func `quotes without end and backslashes, 10 MiB of them, are a mistake`() throws {
    let line = "echo \"" + String(repeating: "\\\\'", count: Self.tenMiB / 3)
    #expect(try session(line).errors == "error: missing \"\n")
  }

  @Test func `a command of 10 MiB is none`() throws {
    let word = String(repeating: "x", count: Self.tenMiB)
    #expect(try session(word).errors == "error: unknown command: '\(word)'\n")
  }

  @Test func `a word of 10 MiB is too long for virsh`() throws {
    let answer = try session("dominfo " + String(repeating: "x", count: Self.tenMiB))
    #expect(answer.errors.hasPrefix("error: cannot run '"))
    #expect(answer.errors.hasSuffix("': Argument list too long\n"))
  }

  /// Bytes that readline leaves alone: what could begin a character it joins with what follows.
  private static let odd = Array(UInt8(0x80)...0xBF)

  @Test(arguments: [[0xFF], odd])
  func `a megabyte that is no UTF-8 is printed as it is`(bytes: [UInt8]) throws {
    let word = Array(repeating: bytes, count: 1_000_000 / bytes.count).flatMap { $0 }
    let answer = try session(bytes: Array("echo x".utf8) + word)
    let isPrinted = answer.output.starts(with: [UInt8(ascii: "x")] + word)
    #expect(isPrinted, "\(answer.output.prefix(100)) \(answer.errors.prefix(100))")
    #expect(answer.errors == "")
  }

  @Test func `NUL and other control characters do no harm`() throws {
    // ^D at the start of a line is its end.
    let bytes = (UInt8(0)...31).filter { ![4, 10, 13].contains($0) }
    let answer = try session(bytes: Array("echo a".utf8) + (0..<50).flatMap { _ in bytes })
    #expect(!answer.output.contains(0))
  }

  @Test(arguments: [
    "'", "\"", "\\", "'\"", "\"'", "\\\"", ";", "#", "--", "-- --", "--=", "=", ",", "''",
  ])
  func `what means something means nothing a hundred thousand times`(text: String) throws {
    for prefix in ["", "echo ", "complete ", "help ", "backup-create "] {
      let line = prefix + String(repeating: text, count: Self.hundredThousand)
      let answer = try session(line)
      #expect(answer.output.count < 3 * line.utf8.count)
      // As one string it may have 128 KiB.
      _ = try run([prefix + String(repeating: text, count: 120_000 / text.utf8.count)])
    }
  }

  // MARK: - Many words

  private static let words = (0..<hundredThousand).map { "w\($0)" }.joined(separator: " ")

  @Test(arguments: ["", "--xml ", "--string ", "-- "])
  func `a hundred thousand words are printed`(options: String) throws {
    let answer = try session("echo \(options)\(Self.words)")
    #expect(answer.output.starts(with: Self.words.utf8))
    #expect(answer.errors == "")
  }

  @Test func `a hundred thousand words as arguments are printed`() throws {
    let words = Self.words.split(separator: " ").map(String.init)
    #expect(try run(["echo"] + words).output == Array(Self.words.utf8) + [10])
  }

  @Test(arguments: ["backup-jobinfo", "list", "cd", "help"])
  func `a hundred thousand words too many are a mistake`(command: String) throws {
    let answer = try session("\(command) \(Self.words)")
    switch command {
    case "help": #expect(answer.errors == "error: command or command group 'w0' doesn't exist\n")
    case "cd", "backup-jobinfo": #expect(answer.errors == "error: unexpected data 'w1'\n")
    default: #expect(answer.errors == "error: unexpected data 'w0'\n")
    }
  }

  @Test func `a hundred thousand words are completed`() throws {
    let answer = try session("complete -- echo \(Self.words) --sh")
    #expect(answer.output.starts(with: "--shell\n".utf8))
    let words = Self.words.split(separator: " ").map(String.init)
    #expect(
      try run(["-q", "complete", "--", "echo"] + words + ["--sh"]).output == Array("--shell\n".utf8)
    )
  }

  @Test func `a hundred thousand words of 20 letters are too many for virsh`() throws {
    let words = String(repeating: "abcdefghijklmnopqrs ", count: Self.hundredThousand)
    let answer = try session("list \(words)")
    #expect(answer.errors.hasSuffix("': Argument list too long\n"))
  }

  // MARK: - Many commands

  @Test func `a hundred thousand commands run`() throws {
    let answer = try session(String(repeating: "echo a;", count: Self.hundredThousand))
    let expected = String(repeating: "a", count: Self.hundredThousand)
    #expect(answer.output.starts(with: expected.utf8))
  }

  @Test func `twenty thousand commands of virsh run`() throws {
    let commands = (0..<20_000).map { "domstate x\($0)" }.joined(separator: "; ")
    let answer = try session(commands)
    let failures = answer.errors.split(separator: "\n").filter { $0.contains("failed to get") }
    #expect(failures.first == "error: failed to get domain 'x0'")
    #expect(failures.last == "error: failed to get domain 'x19999'")
    #expect(failures.count == 20_000)
  }

  @Test(arguments: [
    (last: "nosuch", message: "unknown command: 'nosuch'"),
    (last: "domstate --bad", message: "command 'domstate' doesn't support option --bad"),
    (last: "domstate \"x", message: "missing \""), (last: "echo --bad", message: ""),
  ])
  func `a mistake behind twenty thousand commands stops all of them`(
    last: String, message: String
  ) throws {
    let commands = (0..<20_000).map { "domstate x\($0); echo \($0 % 3)" }.joined(separator: "; ")
    let answer = try session("\(commands); \(last)")
    let expected = message.isEmpty ? "command 'echo' doesn't support option --bad" : message
    #expect(answer.errors == "error: \(expected)\n")
    #expect(!answer.output.contains(UInt8(ascii: "0")))
  }

  @Test func `twenty thousand commands of virsh between ours run`() throws {
    let answer = try session(String(repeating: "echo a; uri;uri;", count: 500))
    let expected = String(repeating: "atest:///default\ntest:///default\n", count: 500)
    #expect(answer.output.starts(with: expected.utf8))
  }

  @Test func `a hundred thousand lines run`() throws {
    let outcome = try run(
      ["-q"], input: Array(String(repeating: "echo a\n", count: Self.hundredThousand).utf8))
    #expect(outcome.output.count(where: { $0 == UInt8(ascii: "\n") }) == Self.hundredThousand + 1)
    #expect(outcome.errors == "")
  }
}
