// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import BackupCommands

/// Pictures of screens, as older QEMUs and newer ones give them.
@Suite struct PNGImageTests {
  @Test func `a pixmap becomes a picture that other programs read`() throws {
    // More than one block of 65535 bytes.
    let width = 200, height = 150
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let image = try PNGImage(Array("P6\n\(width) \(height)\n255\n".utf8) + pixels)
    let path = FileManager.default.temporaryDirectory.appending(path: "vb-\(UUID()).png").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(image.bytes).write(to: URL(filePath: path))
    // The script checks the sums of the chunks and takes the stream apart.
    let script = """
      import sys, zlib, struct
      data = open(sys.argv[1], 'rb').read()
      assert data[:8] == b'\\x89PNG\\r\\n\\x1a\\n'
      place, body = 8, b''
      while place < len(data):
          length, kind = struct.unpack('>I4s', data[place:place + 8])
          part = data[place + 8:place + 8 + length]
          assert zlib.crc32(kind + part) == struct.unpack('>I', data[place + 8 + length:][:4])[0]
          if kind == b'IHDR': width, height = struct.unpack('>IIBBBBB', part)[:2]
          if kind == b'IDAT': body += part
          place += 12 + length
      lines = zlib.decompress(body)
      row = width * 3 + 1
      print(width, height, sum(lines), all(lines[i * row] == 0 for i in range(height)))
      """
    let told = try Command.run("python3", ["-c", script, path]).expectSuccess().stdout
    #expect(told == "200 150 \(pixels.reduce(0) { $0 + Int($1) }) True\n")
  }

  @Test func `a picture that is one already stays as it is`() throws {
    let image: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]
    #expect(try PNGImage(image).bytes == image)
  }

  @Test(arguments: [
    "", "GIF89a", "P6\n", "P6 2 2 65535 xxxxxxxxxxxx", "P6 2 2 255 xxx", "P6 0 1 255 ",
  ])
  func `anything else is refused`(text: String) {
    #expect(throws: (any Error).self) { try PNGImage(Array(text.utf8)) }
  }
}
