// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a person sees of the output of a program: as much of an xterm as line editors and bars use.
package struct Screen {
  private var cells: [[Character]]
  private var columns: Int
  private var height: Int
  private var row = 0
  private var column = 0
  private var parameters: [UnicodeScalar]?
  private var isEscaped = false

  /// Makes an empty screen.
  package init(columns: Int = 80, rows: Int = 24) {
    self.columns = columns
    height = rows
    cells = [[]]
  }

  /// Everything that was ever shown and not overwritten, a line for each row, without the blanks at
  /// the ends: as a person sees it who scrolls back.
  package var text: String {
    var lines = cells.map { row in
      String(row).replacing(#/ +$/#, with: "")
    }
    while lines.last == "" { lines.removeLast() }
    return lines.joined(separator: "\n")
  }

  /// Changes the size; what does not fit any more is cut off, as in an xterm.
  package mutating func resize(columns: Int, rows: Int) {
    self.columns = columns
    height = rows
    cells = cells.map { Array($0.prefix(columns)) }
    column = min(column, columns - 1)
  }

  /// Shows the output of a program.
  package mutating func show(_ output: String) {
    for scalar in output.unicodeScalars { show(scalar) }
  }

  private mutating func show(_ scalar: UnicodeScalar) {
    if let given = parameters {
      guard ("@"..."~").contains(scalar) else {
        parameters = given + [scalar]
        return
      }
      parameters = nil
      obey(scalar, String(String.UnicodeScalarView(given)))
    } else if isEscaped {
      isEscaped = false
      if scalar == "[" { parameters = [] }
    } else {
      switch scalar {
      case "\u{1b}": isEscaped = true
      case "\r": column = 0
      case "\n": lineFeed()
      case "\u{8}": column = max(0, min(column, columns - 1) - 1)
      case "\u{7}": break
      default: put(Character(scalar))
      }
    }
  }

  private mutating func put(_ character: Character) {
    if column == columns {
      column = 0
      lineFeed()
    }
    pad(to: column + 1)
    cells[row][column] = character
    column += 1
  }

  private mutating func lineFeed() {
    row += 1
    if row == cells.count { cells.append([]) }
  }

  private mutating func pad(to width: Int) {
    let missing = width - cells[row].count
    if missing > 0 { cells[row] += Array(repeating: " ", count: missing) }
  }

  /// A control sequence: what it does, and its parameters.
  private mutating func obey(_ command: UnicodeScalar, _ text: String) {
    let number = max(1, Int(text) ?? 1)
    let column = min(column, columns - 1)
    switch command {
    case "A": row = max(max(0, cells.count - height), row - number)
    case "C": self.column = min(columns - 1, column + number)
    case "D": self.column = max(0, column - number)
    case "K": cells[row] = Array(cells[row].prefix(self.column))
    case "J":
      cells[row] = Array(cells[row].prefix(self.column))
      cells.removeLast(cells.count - row - 1)
    case "P":
      cells[row].removeSubrange(
        min(column, cells[row].count)..<min(column + number, cells[row].count))
    case "@":
      pad(to: column)
      cells[row].insert(contentsOf: Array(repeating: " ", count: number), at: column)
      cells[row] = Array(cells[row].prefix(columns))
    default: break
    }
  }
}
