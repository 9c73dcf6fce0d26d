// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@Suite struct ArgumentsTests {
  private func arguments(_ text: String, allowsEmpty: Bool = false) -> Arguments {
    Arguments(
      command: "setmem",
      values: [
        .init(name: "size", text: text, allowsEmpty: allowsEmpty), .init(name: "a", text: nil),
      ]
    )
  }

  @Test func `options are there or not`() throws {
    let arguments = arguments("x")
    #expect(arguments.flag("a"))
    #expect(!arguments.flag("b"))
    #expect(try arguments.string("size") == "x")
    #expect(try arguments.string("pool") == nil)
    #expect(arguments.strings("size") == ["x"])
    #expect(try arguments.number("pool", as: UInt64.self) == nil)
    let error = #expect(throws: ShellError.self) { try arguments.required("pool") }
    #expect(error?.lines == ["command 'setmem' requires <pool> option"])
  }

  @Test func `an empty value is refused unless it is allowed`() throws {
    let error = #expect(throws: ShellError.self) { try arguments("").string("size") }
    #expect(error?.lines == ["Failed to get option 'size': Option argument is empty"])
    #expect(try arguments("", allowsEmpty: true).string("size") == "")
  }

  @Test(arguments: [
    ("0", 0), ("1", 1), ("+5", 5), (" \t7", 7), ("007", 7), ("4294967295", 4_294_967_295),
  ])
  func `unsigned numbers`(text: String, expected: UInt32) throws {
    #expect(try arguments(text).number("size", as: UInt32.self) == expected)
  }

  @Test(arguments: [
    "", " ", "x", "1x", "1 ", "0x10", "-1", "-0", "1.0", "+-1", "4294967296",
    "99999999999999999999",
    "４",
  ])
  func `texts that are no unsigned numbers`(text: String) {
    let error = #expect(throws: ShellError.self) {
      try arguments(text).number("size", as: UInt32.self)
    }
    #expect(
      error?.lines == ["Numeric value '\(text)' for <size> option is malformed or out of range"])
  }

  @Test func `signed numbers take a minus sign`() throws {
    #expect(try arguments(" -12").number("size", as: Int.self) == -12)
    #expect(try arguments("18446744073709551615").number("size", as: UInt64.self) == .max)
  }

  private static let sizes: [(text: String, expected: UInt64)] = [
    ("0", 0), ("4", 4_194_304), ("+7", 7_340_032), ("10M", 10_485_760), ("10MiB", 10_485_760),
    ("10mib", 10_485_760), ("500K", 512_000), ("3kb", 3000), ("2GB", 2_000_000_000),
    ("1T", 1_099_511_627_776), ("12b", 12), ("12bytes", 12), ("7E", 8_070_450_532_247_928_832),
  ]

  @Test(arguments: sizes)
  func `sizes have the units of virsh`(text: String, expected: UInt64) throws {
    #expect(try arguments(text).scaled("size", unit: 1 << 20) == expected)
    #expect(try arguments(text).scaled("pool", unit: 1 << 20) == nil)
  }

  private static let noSizes: [(text: String, reason: String?)] = [
    ("", nil), ("M", nil), ("-1M", nil), ("1.5M", nil), ("8E", nil),
    ("9223372036854775808b", nil), ("99999999999999999999K", nil),
    ("5X", "invalid argument: unknown suffix 'X'"),
    ("5MiBs", "invalid argument: unknown suffix 'MiBs'"),
    ("5Mi", "invalid argument: unknown suffix 'Mi'"),
  ]

  @Test(arguments: noSizes)
  func `texts that are no sizes`(text: String, reason: String?) {
    let error = #expect(throws: ShellError.self) {
      try arguments(text).scaled("size", unit: 1 << 20)
    }
    let line = "Numeric value '\(text)' for <size> option is malformed or out of range"
    #expect(error?.lines.first == line && error?.lines.dropFirst().first == reason, "\(text)")
  }

  @Test(arguments: [
    ("1", 1), ("90", 90), ("+7", 7), ("90s", 90), ("5m", 300), ("2h", 7200), ("14d", 1_209_600),
    ("3w", 1_814_400), ("2147483647", 2_147_483_647), ("24855d", 2_147_472_000),
  ])
  func `lengths of time have units`(text: String, expected: Int64) throws {
    #expect(try arguments(text).duration("size") == expected)
    #expect(try arguments(text).duration("pool") == nil)
  }

  @Test(arguments: [
    ("", nil), ("0", nil), ("0d", nil), ("-1", nil), ("-5m", nil), ("m", nil), ("1.5h", nil),
    ("1h30m", nil), ("2 h ", nil), ("2147483648", nil), ("24856d", nil),
    ("9999999999999999999w", nil),
    ("5M", "invalid argument: a time ends with s, m, h, d or w, not with 'M'"),
    ("7y", "invalid argument: a time ends with s, m, h, d or w, not with 'y'"),
    ("5min", "invalid argument: a time ends with s, m, h, d or w, not with 'n'"),
  ])
  func `texts that are no lengths of time`(text: String, second: String?) {
    let error = #expect(throws: ShellError.self) { try arguments(text).duration("size") }
    let first = "Numeric value '\(text)' for <size> option is malformed or out of range"
    #expect(error?.lines == [first] + (second.map { [$0] } ?? []))
  }
}
