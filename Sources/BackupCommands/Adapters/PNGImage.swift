// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore

/// A picture in the format PNG.
///
/// A PNG file stays as it is. A pixmap (PPM), which older QEMUs make of a screen, is wrapped up
/// without compression: no library is needed for that.
struct PNGImage {
  /// The file's content.
  let bytes: [UInt8]

  private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  /// Takes a picture.
  ///
  /// - Parameter image: A PNG file, or a PPM file (`P6`) with 8 bits a colour.
  /// - Throws: ``BackupError`` for anything else.
  init(_ image: [UInt8]) throws {
    if image.starts(with: PNGImage.signature) {
      bytes = image
      return
    }
    var reader = PixmapReader(bytes: image)
    guard image.starts(with: Array("P6".utf8)), let width = reader.number(),
      let height = reader.number(), reader.number() == 255, width > 0, height > 0,
      width <= 65536, height <= 65536
    else { throw BackupError(.failed, "the picture of the screen is in no known format") }
    let pixels = image.dropFirst(reader.position + 1)
    let row = width * 3
    guard pixels.count >= row * height else {
      throw BackupError(.failed, "the picture of the screen is cut off")
    }
    var lines: [UInt8] = []
    lines.reserveCapacity((row + 1) * height)
    for number in 0..<height {
      // Each line says that it is as it is.
      lines.append(0)
      let start = pixels.startIndex + number * row
      lines += pixels[start..<start + row]
    }
    let header = PNGImage.word(width) + PNGImage.word(height) + [8, 2, 0, 0, 0]
    bytes =
      PNGImage.signature + PNGImage.chunk("IHDR", header)
      + PNGImage.chunk("IDAT", PNGImage.stored(lines)) + PNGImage.chunk("IEND", [])
  }

  private static func word(_ number: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let content = Array(type.utf8) + data
    return word(data.count) + content + word(Int(crc(content)))
  }

  /// A zlib stream (RFC 1950) of blocks that are stored, not compressed.
  private static func stored(_ data: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    stream.reserveCapacity(data.count + data.count / 1000 + 64)
    var start = 0
    repeat {
      let count = min(65535, data.count - start)
      let isLast: UInt8 = start + count == data.count ? 1 : 0
      let low = UInt8(count & 0xff), high = UInt8(count >> 8)
      stream += [isLast, low, high, ~low, ~high]
      stream += data[start..<start + count]
      start += count
    } while start < data.count
    var first: UInt32 = 1
    var second: UInt32 = 0
    for byte in data {
      first = (first + UInt32(byte)) % 65521
      second = (second + first) % 65521
    }
    return stream + word(Int(second << 16 | first))
  }

  private static let crcTable: [UInt32] = (0..<256).map { number in
    (0..<8).reduce(UInt32(number)) { value, _ in
      value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1
    }
  }

  private static func crc(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(~UInt32(0)) { crcTable[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }
}

/// The head of a pixmap.
private struct PixmapReader {
  let bytes: [UInt8]
  /// The byte behind the last number.
  var position = 2

  /// The next number; nil where there is none.
  mutating func number() -> Int? {
    while position < bytes.count, bytes[position] <= UInt8(ascii: " ") { position += 1 }
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    position += digits.count
    return Int(String(decoding: digits.prefix(9), as: UTF8.self))
  }
}
