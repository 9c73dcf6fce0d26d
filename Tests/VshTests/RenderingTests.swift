// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Testing

@testable import Vsh

@Suite struct TableTests {
  @Test func `columns are as wide as their widest cell`() {
    var table = Table("Id", "Name", "State")
    table.append("1", "test", "running")
    table.append("-", "x", "")
    #expect(
      table.text() == """
         Id   Name   State
        ----------------------
         1    test   running
         -    x      

        """)
  }

  @Test func `a table without rows keeps its header`() {
    #expect(Table("Name", "Path").text() == " Name   Path\n--------------\n")
  }

  @Test func `without a header its cells do not count`() {
    var table = Table("Identifier", "Name")
    table.append("1", "a")
    table.append("22", "b")
    #expect(table.text(hasHeader: false) == " 1    a\n 22   b\n")
    #expect(Table("Name").text(hasHeader: false) == "")
  }

  @Test func `the shell leaves the header out when quiet`() {
    let shell = makeShell { $0.isQuiet = true }
    shell.print(Table("Name"))
    #expect(shell.context.out == "")
    shell.isQuiet = false
    shell.print(Table("Name"))
    #expect(shell.context.out == " Name\n-------\n")
  }

  @Test(arguments: [
    ("abc", "abc", 3), ("世界", "世界", 4), ("é", "é", 1), ("e\u{301}", "e\u{301}", 1),
    ("😀", "😀", 2), ("a\tb", "a\\x09b", 6), ("\u{1B}[1m", "\\x1b[1m", 7),
    ("\n\u{7F}", "\\x0a\\x7f", 8),
    ("\\x41", "\\x5cx41", 7), ("\\y", "\\y", 2), ("\u{85}", "\\xc2\\x85", 8),
    ("\u{2028}", "\\xe2\\x80\\xa8", 12), (String(rawBytes: [0x61, 0xFF]), "a\\xff", 5),
  ])
  func `cells are safe to print and take the columns they seem to`(
    source: String, text: String, width: Int
  ) {
    let display = DisplayText(source, isASCII: false)
    #expect(display.text == text)
    #expect(display.width == width)
  }

  @Test func `without UTF-8 everything else is spelled out`() {
    #expect(DisplayText("é", isASCII: true).text == "\\xc3\\xa9")
    #expect(DisplayText("e", isASCII: true).text == "e")
  }

  @Test func `wide cells are padded less`() {
    var table = Table("Name", "X")
    table.append("世界", "a")
    table.append("abcd", "b")
    #expect(
      table.text(isASCII: false)
        == " Name   X\n-----------\n 世界   a\n abcd   b\n")
  }

  @Test func `properties`() {
    let shell = makeShell()
    shell.printProperty("Name:", "c1")
    shell.printProperty("A longer label than fits:", "x")
    shell.printProperty("Odd:", "a\u{1B}[1m\nb")
    #expect(
      shell.context.out
        == "Name:           c1\nA longer label than fits: x\nOdd:            a\\x1b[1m\\x0ab\n")
  }
}

@Suite struct TreeTests {
  private func tree(_ nodes: [(String, Int?)]) -> String {
    Tree(nodes: nodes.map { Tree.Node(name: $0.0, parent: $0.1) }).text
  }

  @Test func `children hang under their parents`() {
    let text = tree([("s1", nil), ("s2", 0), ("s3", 0), ("s4", 2), ("s5", 0)])
    let expected = [
      "s1", "  |", "  +- s2", "  +- s3", "  |   |", "  |   +- s4", "  |     ", "  +- s5", "    ",
      "",
    ]
    #expect(text == expected.joined(separator: "\n"))
  }

  @Test func `a root without children is followed by an empty line`() {
    #expect(tree([("a", nil), ("b", nil)]) == "a\n\nb\n\n")
    #expect(tree([]) == "")
  }

  @Test func `a last child with children is closed by them`() {
    let expected = ["s1", "  |", "  +- s2", "      |", "      +- s3", "        ", ""]
    #expect(tree([("s1", nil), ("s2", 0), ("s3", 1)]) == expected.joined(separator: "\n"))
  }

  @Test func `what hangs under nothing is left out`() {
    #expect(tree([("a", nil), ("b", 2), ("c", 1)]) == "a\n\n")
  }
}

@Suite struct TextTests {
  @Test(arguments: [
    (0, "0.00 B"), (1023, "1023.00 B"), (1024, "1.00 KiB"), (325_582_848, "310.50 MiB"),
    (13_325_185_024, "12.41 GiB"), (1_099_511_627_776, "1.00 TiB"),
    (UInt64.max, "16.00 EiB"),
  ])
  func `sizes`(bytes: UInt64, expected: String) {
    #expect(ByteCount.text(bytes) == expected)
  }

  @Test func `sizes with more decimals`() {
    #expect(ByteCount.text(97_517_568, decimals: 3) == "93.000 MiB")
  }

  @Test func `times are local`() throws {
    let text = Timestamp.local(seconds: 1_795_378_687)
    let shape = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}/
    #expect(try shape.wholeMatch(in: text) != nil)
    if text.hasSuffix("+0000") {
      #expect(text == "2026-11-22 20:18:07 +0000")
    }
  }

  @Test(arguments: [
    ("", ""), ("a\tb\nc", "a\tb\nc"), ("\u{1B}[31m\r\0", "\\x1b[31m\\x0d\\x00"),
    ("\u{7F}\u{9B}é", "\\x7f\\xc2\\x9bé"), ("\\x41", "\\x41"), ("e\u{301}", "e\u{301}"),
  ])
  func `messages move no cursor`(text: String, expected: String) {
    #expect(text.printable == expected)
  }

  @Test(arguments: [
    ("", []), ("a", ["a"]), ("a,b", ["a", "b"]), ("a,,b", ["a,b"]), ("a,,,b", ["a,", "b"]),
    (",", ["", ""]), (",,", [","]),
  ])
  func `parts between commas`(word: String, expected: [String]) {
    #expect(Quoting.commaParts(word) == expected)
  }
}
