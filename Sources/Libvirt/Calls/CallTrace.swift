// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

#if DEBUG
  import Glibc

  /// The calls of libvirt that left this process, for tests that want to know or to die at one.
  ///
  /// Debug builds only. Calls that can change something or talk to the hypervisor are numbered from
  /// 1 in the order in which they begin. The environment, read at the first of them, says:
  ///
  /// - `VIRSH_BACKUP_KILL_BEFORE=N`: the process kills itself before call N is made.
  /// - `VIRSH_BACKUP_KILL_AT=N`: the process kills itself right after call N has returned; in place
  ///   of a number also a function or a command of QEMU, whose first call it is then, or a function
  ///   with `#2` behind it for the second.
  /// - `VIRSH_BACKUP_STOP_BEFORE=N`, `VIRSH_BACKUP_STOP_AT=N`: the process stops itself there, as by
  ///   SIGSTOP, once; a call is named as there.
  /// - `VIRSH_BACKUP_TRACE_CALLS=FILE`: each call appends a line `N FUNCTION DETAIL` to the file
  ///   before it is made; the detail is left out where there is none.
  package enum CallTrace {
    /// What the environment asked for.
    private struct Settings {
      /// Number of the call to die before.
      let killBefore: Int?
      /// Number of the call to die after, or what it calls.
      let killAt: String?
      /// The call to stop before, and the one to stop after, as for `killAt`.
      let stopBefore: String?
      let stopAt: String?
      /// The file to append to.
      let file: Int32?

      /// Reads the environment.
      init() {
        killBefore = Settings.value(of: "VIRSH_BACKUP_KILL_BEFORE").flatMap { Int($0) }
        killAt = Settings.value(of: "VIRSH_BACKUP_KILL_AT")
        stopBefore = Settings.value(of: "VIRSH_BACKUP_STOP_BEFORE")
        stopAt = Settings.value(of: "VIRSH_BACKUP_STOP_AT")
        file = Settings.value(of: "VIRSH_BACKUP_TRACE_CALLS").flatMap { path in
          let file = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
          return file < 0 ? nil : file
        }
      }

      /// Reads one variable.
      private static func value(of name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
      }
    }

    private static let settings = Settings()
    /// What was called until now.
    private struct State: Sendable {
      /// How many calls were begun.
      var total = 0
      /// The same by function.
      var byName: [String: Int] = [:]
      /// Number of the call to die after.
      var last: Int?
      /// Numbers of the calls to stop before and after.
      var stopBefore: Int?
      var stopAt: Int?
    }
    private static let calls = Locked<State>(State())

    /// How many calls were begun, by the function's name.
    package static var counts: [String: Int] { calls.withLock { $0.byName } }

    /// How many calls were begun.
    package static var total: Int { calls.withLock { $0.total } }

    /// Numbers a call that is about to be made.
    ///
    /// - Parameters:
    ///   - function: Name of the function.
    ///   - detail: What it is about; empty where there is nothing to say.
    /// - Returns: The number, for ``end(_:)``.
    static func begin(_ function: String, detail: String) -> Int {
      let number = calls.withLock { calls in
        calls.total += 1
        calls.byName[function, default: 0] += 1
        let number = calls.total
        let names = [
          "\(number)", function, detail, "\(function)#\(calls.byName[function] ?? 0)",
        ]
        if let killAt = settings.killAt, names.contains(killAt) {
          calls.last = calls.last ?? number
        }
        if let stop = settings.stopBefore, names.contains(stop), calls.stopBefore == nil {
          calls.stopBefore = number
        }
        if let stop = settings.stopAt, names.contains(stop), calls.stopAt == nil {
          calls.stopAt = number
        }
        if let file = settings.file {
          let line = "\(number) \(function)" + (detail.isEmpty ? "\n" : " \(detail)\n")
          _ = unsafe write(file, line, line.utf8.count)
        }
        return number
      }
      if number == settings.killBefore { die() }
      if number == calls.withLock({ $0.stopBefore }) { raise(SIGSTOP) }
      return number
    }

    /// Notes that a call has returned.
    ///
    /// - Parameter number: What ``begin(_:detail:)`` returned.
    static func end(_ number: Int) {
      if number == calls.withLock({ $0.last }) { die() }
      if number == calls.withLock({ $0.stopAt }) { raise(SIGSTOP) }
    }

    /// Finds the name of a command in its JSON text, well enough for a trace.
    ///
    /// - Parameter json: The text of a QMP command.
    /// - Returns: The value of its `execute`; empty where there is none.
    static func commandName(in json: String) -> String {
      let key = Array("\"execute\"".utf8)
      let text = Array(json.utf8)
      guard text.count > key.count,
        let start = (0...(text.count - key.count)).first(where: {
          text[$0..<($0 + key.count)].elementsEqual(key)
        })
      else { return "" }
      let value = text[(start + key.count)...]
        .drop { $0 != UInt8(ascii: "\"") }.dropFirst()
        .prefix { $0 != UInt8(ascii: "\"") }
      return String(decoding: value, as: UTF8.self)
    }

    /// Dies as from a crash: nothing is cleaned up.
    private static func die() {
      kill(getpid(), SIGKILL)
      // The signal is handled at the latest when the call returns to user mode, but another thread
      // may take it: nothing more must happen in this one.
      while true { pause() }
    }
  }
#endif
