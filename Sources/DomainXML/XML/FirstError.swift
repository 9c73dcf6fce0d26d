// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency import CLibXML2

/// The first error that a parser met: the later ones only follow from it.
struct FirstError {
  private var message: String?
  private var line: Int32 = 0
  private var excerpt = ""

  /// Bytes of a line that are shown on either side of the place.
  private static let widthLimit = 500

  /// Takes note of an error in the value that a parser's `_private` points to.
  static func note(_ error: xmlError, in context: xmlParserCtxt) {
    guard let first = context._private?.assumingMemoryBound(to: FirstError.self),
      first.pointee.message == nil, error.level == XML_ERR_FATAL || error.level == XML_ERR_ERROR,
      let text = error.message
    else { return }
    var message = String(cString: text)
    while message.last?.isWhitespace == true { message.removeLast() }
    first.pointee.message = message
    first.pointee.line = error.line
    if let input = context.input?.pointee { first.pointee.excerpt = excerpt(of: input) }
  }

  /// What was noted, as an error.
  ///
  /// - Parameter document: what the document is called; nil leaves the excerpt out.
  /// - Returns: the error.
  func error(in document: String?) -> DomainXMLError {
    DomainXMLError(
      reason: .syntax, line: line > 0 ? Int(line) : nil,
      message: message ?? "the document is not well-formed",
      excerpt: document.map { .init(document: $0, text: excerpt) })
  }

  /// The line where the parser stands and a mark below it, as libvirt shows them.
  private static func excerpt(of input: xmlParserInput) -> String {
    guard let base = input.base, let current = input.cur, let end = input.end else { return "" }
    func isLineEnd(_ byte: xmlChar) -> Bool { byte == 10 || byte == 13 }
    var start = current
    while start > base, isLineEnd(start.pointee) { start -= 1 }
    while start > base, !isLineEnd(start.pointee) { start -= 1 }
    if isLineEnd(start.pointee) { start += 1 }
    // A document of a single line is not shown in full.
    start = max(start, current - widthLimit)
    var line: [UInt8] = []
    var next = start
    while next < min(end, current + widthLimit), next.pointee != 0, !isLineEnd(next.pointee) {
      line.append(next.pointee)
      next += 1
    }
    let column = max(0, current - start)
    let mark = (0..<column).map { $0 < line.count && line[$0] == 9 ? "\t" : "-" }.joined()
    // An empty line is what libvirt prints that way.
    let text = line.isEmpty ? "(null)" : String(decoding: line, as: UTF8.self)
    return "\(text)\n\(mark)^"
  }
}
