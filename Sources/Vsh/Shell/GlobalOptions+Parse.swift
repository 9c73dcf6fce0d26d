// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension GlobalOptions {
  /// Parses the words after the program's name.
  ///
  /// They are looked at in order, and each effect happens in order: a mistake behind `--help` is
  /// never seen. Options end at `--` or at the first word that is none.
  ///
  /// - Parameters:
  ///   - arguments: The words.
  ///   - openLog: Opens a log file and says whether that worked.
  ///   - warn: Prints a message about something that is ignored.
  /// - Returns: The options.
  /// - Throws: `UsageError` for the first mistake.
  package static func parse(
    _ arguments: [String], openLog: (String) -> Bool = { _ in true },
    warn: (String) -> Void = { _ in }
  ) throws(UsageError) -> GlobalOptions {
    var options = GlobalOptions()
    var rest = ArraySlice(arguments)
    while options.action == .run, let word = rest.first, word.utf8.first == UInt8(ascii: "-"),
      word != "-"
    {
      rest.removeFirst()
      if word == "--" {
        break
      }
      let found = try word.utf8.starts(with: "--".utf8) ? [long(word, &rest)] : short(word, &rest)
      for (option, value, typed) in found where options.action == .run {
        try options.apply(option, value, typed, openLog: openLog, warn: warn)
      }
    }
    options.words = Array(rest)
    return options
  }

  /// An option that was met: which, its value, and how it was typed.
  private typealias Found = (option: GlobalOption, value: String?, typed: String)

  private static func long(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(UsageError) -> Found {
    let (name, value) = word.nameAndValue
    let candidates = GlobalOption.allCases.filter { $0.rawValue.hasPrefix(name) }
    let exact = candidates.first { $0.rawValue == name }
    guard let option = exact ?? (candidates.count == 1 ? candidates.first : nil) else {
      throw UsageError("unsupported option '\(word)'. See --help.")
    }
    let typed = "--\(option.rawValue)"
    switch option.value {
    case .required:
      if let value = value ?? rest.popFirst() {
        return (option, value, typed)
      }
      throw option.missingValue
    case .none where value != nil:
      throw UsageError(
        "unsupported option '\(option.letter.map { "-\($0)" } ?? word)'. See --help.")
    case .none, .optional:
      return (option, value, typed)
    }
  }

  private static func short(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(UsageError) -> [Found] {
    var found: [Found] = []
    // By bytes: an accent after a letter makes no other letter of it.
    var letters = word.rawBytes.dropFirst()
    while let byte = letters.popFirst() {
      let letter = Character(Unicode.Scalar(byte))
      let typed = String(rawBytes: [UInt8(ascii: "-"), byte])
      if letter == "V" {
        found.append((.version, "long", typed))
        continue
      }
      guard let option = GlobalOption.allCases.first(where: { $0.letter == letter }) else {
        found.append((.unsupported, nil, typed))
        break
      }
      if option.value == .required {
        guard let value = letters.isEmpty ? rest.popFirst() : String(rawBytes: letters) else {
          found.append((option, nil, typed))
          break
        }
        found.append((option, value, typed))
        break
      }
      found.append((option, nil, typed))
    }
    return found
  }

  private mutating func apply(
    _ option: GlobalOption, _ value: String?, _ typed: String, openLog: (String) -> Bool,
    warn: (String) -> Void
  ) throws(UsageError) {
    switch option {
    case .unsupported: throw UsageError("unsupported option '\(typed)'. See --help.")
    case .help: action = .help
    case .version: action = .version(isLong: value == "long")
    case .quiet: isQuiet = true
    case .readOnly: isReadOnly = true
    case .timing: isTimed = true
    case .noTTYAgent: break
    case .connect, .debug, .escape, .keepaliveCount, .keepaliveInterval, .log:
      guard let value else { throw option.missingValue }
      try apply(option, value: value, typed, openLog: openLog, warn: warn)
    }
  }

  private mutating func apply(
    _ option: GlobalOption, value: String, _ typed: String, openLog: (String) -> Bool,
    warn: (String) -> Void
  ) throws(UsageError) {
    switch option {
    case .debug:
      guard let level = Int32(decimal: value) else {
        throw UsageError("option \(typed) takes a numeric argument")
      }
      debugLevel = LogLevel(rawValue: Int(level)) ?? debugLevel
      if LogLevel(rawValue: Int(level)) == nil {
        warn("ignoring debug level \(level) out of range [0-4]")
      }
    case .escape:
      guard Self.isEscape(value) else {
        throw UsageError("Invalid string '\(value)' for escape sequence")
      }
      escape = value
    case .keepaliveInterval: keepaliveInterval = try Self.keepalive(value, typed)
    case .keepaliveCount: keepaliveCount = try Self.keepalive(value, typed)
    case .log:
      guard openLog(value) else { throw Self.cannotOpenLog }
      logFile = value
    default: uri = value
    }
  }

  private static func isEscape(_ value: String) -> Bool {
    let bytes = Array(value.utf8)
    let caret = UInt8(ascii: "^")
    switch bytes.count {
    case 1: return bytes[0] != caret
    case 2: return bytes[0] == caret && (0x40...0x5F ~= bytes[1] || 0x61...0x7A ~= bytes[1])
    default: return false
    }
  }

  private static func keepalive(_ value: String, _ typed: String) throws(UsageError) -> Int32 {
    guard let number = Int32(cLiteral: value) else {
      throw UsageError("Invalid value for option \(typed)")
    }
    if number < 0 {
      throw UsageError("option \(typed) requires a positive integer argument")
    }
    return number
  }
}
