// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@Suite struct RawBytesTests {
  @Test(arguments: [
    Array("".utf8), Array("abc é 日本 😀".utf8), [0xFF], [0x61, 0xC3], [0xC3, 0x28, 0xA9],
    [0xE6, 0x97], [0xE6, 0x97, 0x20, 0xE6], [0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80], [0xC0, 0x80],
    [0xF4, 0x8F, 0xBE, 0x80], [0xF4, 0x8F, 0xBF, 0xBF, 0xFF], [0xF4, 0x8F, 0xBD, 0xBF],
    [0xF5, 0x80, 0x80, 0x80], Array(0...255), Array("é".utf8) + [0x80] + Array("\u{301}".utf8),
  ])
  func `bytes come back as they were`(bytes: [UInt8]) {
    #expect(String(rawBytes: bytes).rawBytes == bytes)
  }

  @Test func `what is a text stays one`() {
    #expect(String(rawBytes: Array("aé日😀\u{10FF7F}".utf8)) == "aé日😀\u{10FF7F}")
    #expect(Array("aé😀".utf8) == "aé😀".rawBytes)
  }

  @Test func `a byte is no character that means something`() {
    let line = String(rawBytes: Array("echo a\u{0}".utf8.dropLast()) + [0xFF, 0x20, 0xC3, 0x3B])
    var lexer = Lexer(string: line + "echo b")
    var words: [String] = []
    while case .word(let word) = try? lexer.next() { words.append(word) }
    #expect(words.map(\.rawBytes) == [Array("echo".utf8), [0x61, 0xFF], [0xC3]])
  }
}
