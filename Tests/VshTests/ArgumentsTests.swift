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
    #expect(try arguments.unsigned("pool") == nil)
    #expect(try arguments.scaled("pool") == nil)
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
    #expect(try arguments(" -12").int("size") == -12)
    #expect(try arguments("18446744073709551615").unsigned("size") == .max)
  }

  @Test(arguments: [
    ("1", 1024), ("+3", 3072), (" 2", 2048), ("5b", 5), ("5B", 5), ("5byte", 5), ("5BYTES", 5),
    ("1k", 1024), ("1K", 1024), ("1KiB", 1024), ("1kib", 1024), ("1kB", 1000), ("1KB", 1000),
    ("2M", 2_097_152), ("2MB", 2_000_000), ("1g", 1_073_741_824), ("1T", 1_099_511_627_776),
    ("1P", 1_125_899_906_842_624), ("15e", 17_293_822_569_102_704_640),
    ("18EB", 18_000_000_000_000_000_000), ("0E", 0),
  ])
  func `sizes have units`(text: String, expected: UInt64) throws {
    #expect(try arguments(text).scaled("size", unit: 1024) == expected)
  }

  @Test(arguments: [
    ("", nil), ("X", nil), ("-1", nil), ("+", nil), ("+-1", nil), ("99999999999999999999", nil),
    ("1X", "invalid argument: unknown suffix 'X'"),
    ("1 K", "invalid argument: unknown suffix ' K'"),
    ("1.5G", "invalid argument: unknown suffix '.5G'"),
    ("0x10", "invalid argument: unknown suffix 'x10'"),
    ("1KiX", "invalid argument: unknown suffix 'KiX'"),
    ("99999999E", "numerical overflow: value too large: 99999999E"),
    ("18446744073709551615", "numerical overflow: value too large: 18446744073709551615"),
  ])
  func `texts that are no sizes`(text: String, second: String?) {
    let error = #expect(throws: ShellError.self) {
      try arguments(text).scaled("size", unit: 1024)
    }
    let first = "Scaled numeric value '\(text)' for <size> option is malformed or out of range"
    #expect(error?.lines == [first] + (second.map { [$0] } ?? []))
  }
}
