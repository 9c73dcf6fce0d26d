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
    #expect(try arguments("18446744073709551615").unsigned("size") == .max)
  }
}
