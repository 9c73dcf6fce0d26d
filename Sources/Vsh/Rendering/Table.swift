// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A table, as virsh prints its lists.
package struct Table: Sendable {
  /// The headings of the columns.
  package var header: [String]
  /// The cells, row by row.
  package var rows: [[String]] = []

  /// Makes a table without rows.
  package init(_ header: String...) {
    self.header = header
  }

  /// Adds a row, one cell for each column.
  package mutating func append(_ cells: String...) {
    rows.append(cells)
  }

  /// The table as text.
  ///
  /// - Parameters:
  ///   - hasHeader: Whether the headings and the dashes under them are part of it; without them they
  ///     do not count for the widths either.
  ///   - isASCII: Whether the terminal knows ASCII only; nil: the process's locale says so.
  /// - Returns: Its lines, a newline after each.
  package func text(hasHeader: Bool = true, isASCII: Bool? = nil) -> String {
    let isASCII = isASCII ?? !DisplayText.isLocaleUTF8
    let lines = ((hasHeader ? [header] : []) + rows).map {
      $0.map { DisplayText($0, isASCII: isASCII) }
    }
    let widths = header.indices.map { column in
      lines.map { $0.indices.contains(column) ? $0[column].width : 0 }.max() ?? 0
    }
    var text = ""
    for (index, line) in lines.enumerated() {
      for (column, cell) in line.enumerated() {
        text += " " + cell.text
        if column < line.count - 1 {
          text += String(repeating: " ", count: widths[column] - cell.width + 2)
        }
      }
      text += "\n"
      if hasHeader, index == 0 {
        text += String(repeating: "-", count: widths.reduce(0) { $0 + $1 + 3 }) + "\n"
      }
    }
    return text
  }
}

extension Shell {
  /// Prints a table, without headings with `-q`.
  package func print(_ table: Table) {
    output.write(table.text(hasHeader: !isQuiet))
  }

  /// Prints a property: the label, padded, and its value.
  package func printProperty(_ label: String, _ value: String) {
    let padding = String(repeating: " ", count: max(0, 15 - label.utf8.count))
    let text = DisplayText(value, isASCII: !DisplayText.isLocaleUTF8).text
    print("\(label)\(padding) \(text)")
  }
}
