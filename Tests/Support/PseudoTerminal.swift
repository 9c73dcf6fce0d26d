// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import Glibc

/// A program on a terminal of its own, used as a person does: by looking and typing.
///
/// Nothing is waited for but what the program writes, and its end.
package final class PseudoTerminal {
  /// The program's process id.
  package let pid: pid_t
  /// All that the program has written.
  package private(set) var output = ""
  /// What of it no `expect` has passed yet.
  package private(set) var unread = ""
  /// The first bytes of a character whose last are not there yet.
  private var incomplete: [UInt8] = []
  private let controller: Int32
  private var ending: CommandResult.Ending?

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - command: The program, a path or a name looked up in `PATH`, and its arguments.
  ///   - environment: Variables set on top of those of this process.
  ///   - columns: The width of the terminal.
  ///   - rows: Its height.
  /// - Throws: `CommandError` when there is no terminal, or the program could not be started.
  package init(
    _ command: [String], environment: [String: String] = [:], columns: Int = 80, rows: Int = 24
  ) throws(CommandError) {
    // glibc's posix_openpt and its companions are not visible to Swift: these are what they do.
    let unlock: UInt = 0x4004_5431, askNumber: UInt = 0x8004_5430
    controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
    var number: Int32 = 0
    guard controller >= 0, ioctl(controller, unlock, &number) == 0,
      ioctl(controller, askNumber, &number) == 0
    else { throw CommandError("no pseudo terminal: \(String(cString: strerror(errno)))") }
    PseudoTerminal.setSize(of: controller, columns: columns, rows: rows)
    let variables = ["TERM": "xterm", "COLUMNS": "", "LINES": ""]
    pid = try Command.spawn(
      command, environment: variables.merging(environment) { $1 },
      terminal: "/dev/pts/\(number)")
  }

  deinit {
    if ending == nil {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    close(controller)
  }

  // MARK: - Typing

  /// Types a text; the keys that are none are below.
  package func send(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(controller, $0.baseAddress, $0.count) }
      if count > 0 { bytes.removeFirst(count) } else { read(waiting: 10) }
    }
  }

  /// Return.
  package static let enter = "\r"
  /// Tab.
  package static let tab = "\t"
  /// Arrow up.
  package static let up = "\u{1b}[A"
  /// Arrow left.
  package static let left = "\u{1b}[D"

  /// A letter with the control key: `control("c")`.
  package static func control(_ letter: Character) -> String {
    String(UnicodeScalar((letter.asciiValue ?? 0) & 0x1f))
  }

  /// Gives the terminal another size, which the program is told by SIGWINCH.
  ///
  /// The program stands still meanwhile: what it writes afterwards is for the new size.
  ///
  /// - Returns: What it had written for the old one and no `expect` had passed.
  package func resize(columns: Int, rows: Int = 24) -> String {
    kill(pid, SIGSTOP)
    var status: Int32 = 0
    waitpid(pid, &status, WUNTRACED)
    while hasInput && read(waiting: 0) {}
    PseudoTerminal.setSize(of: controller, columns: columns, rows: rows)
    kill(pid, SIGCONT)
    defer { unread = "" }
    return unread
  }

  private static func setSize(of terminal: Int32, columns: Int, rows: Int) {
    var size = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
  }

  // MARK: - Looking

  /// Waits until the program has written a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - timeout: The longest time to wait.
  /// - Returns: All from the end of what was expected before to the end of this.
  /// - Throws: `CommandError` with what there was instead, when it does not come.
  @discardableResult
  package func expect(
    _ text: String, within timeout: Duration = .seconds(60)
  ) throws(CommandError) -> String {
    let deadline = ContinuousClock.now + timeout
    while true {
      if let range = unread.firstRange(of: text) {
        let passed = String(unread[..<range.upperBound])
        unread = String(unread[range.upperBound...])
        return passed
      }
      guard read(waiting: 50), ContinuousClock.now < deadline else { break }
    }
    throw CommandError("expected \(text.debugDescription), found \(unread.debugDescription)")
  }

  /// Waits for the end of the program, and reads all that it has written.
  ///
  /// - Returns: How it ended.
  /// - Throws: `CommandError` when it does not end in time.
  @discardableResult
  package func wait(timeout: Duration = .seconds(60)) throws(CommandError)
    -> CommandResult.Ending
  {
    let deadline = ContinuousClock.now + timeout
    while ending == nil {
      read(waiting: 20)
      var status: Int32 = 0
      if waitpid(pid, &status, WNOHANG) == pid {
        let signal = status & 0x7f
        ending = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
      } else if ContinuousClock.now > deadline {
        throw CommandError("no end after \(timeout): \(unread.debugDescription)")
      }
    }
    while read(waiting: 0) && hasInput {}
    return ending ?? .exited(-1)
  }

  /// Whether lines are edited and echoed by the terminal, and ^C is a signal: how a shell leaves it.
  package var isSane: Bool {
    var settings = termios()
    let flags = tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
    return tcgetattr(controller, &settings) == 0 && settings.c_lflag & flags == flags
  }

  private var hasInput: Bool {
    var entry = pollfd(fd: controller, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLIN) != 0
  }

  /// Reads what there is, waiting for it a little; false when there will be no more.
  @discardableResult
  private func read(waiting milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: controller, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return true }
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = Glibc.read(controller, &buffer, buffer.count)
    // EIO: nobody has the terminal open any more.
    guard count > 0 else { return count < 0 && errno == EAGAIN }
    take(incomplete + buffer[..<count])
    return true
  }

  private func take(_ bytes: [UInt8]) {
    // A character has at most three bytes after its first.
    let start = bytes.lastIndex { $0 & 0xc0 != 0x80 } ?? 0
    let length = bytes[start] < 0x80 ? 1 : (~bytes[start]).leadingZeroBitCount
    let whole = start + length <= bytes.count ? bytes.count : start
    incomplete = Array(bytes[whole...])
    let text = String(decoding: bytes[..<whole], as: UTF8.self)
    output += text
    unread += text
  }
}
