// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

// Every call of libvirt goes through one of these: they turn what it returned into a value or an
// error, and note calls that leave the process.

/// Calls a libvirt function that returns nil when it fails.
///
/// - Parameters:
///   - function: Name of the function.
///   - detail: What it is about, for the trace of a debug build.
///   - isLocal: True for a function that only reads the handle: not noted.
///   - body: The call.
/// - Returns: What the function returned.
/// - Throws: ``LibvirtError`` as libvirt left it.
func checkingNil<Value>(
  _ function: StaticString, detail: @autoclosure () -> String = "", isLocal: Bool = false,
  _ body: () -> Value?
) throws(LibvirtError) -> Value {
  let result = noting(function, detail: detail, isLocal: isLocal, body)
  guard let value = result else { throw LibvirtError(lastErrorOf: function) }
  return value
}

/// Calls a libvirt function that returns a negative number when it fails, and nothing of interest
/// when it does not.
///
/// - Parameters:
///   - function: Name of the function.
///   - detail: What it is about, for the trace of a debug build.
///   - isLocal: True for a function that only reads the handle: not noted.
///   - body: The call.
/// - Throws: ``LibvirtError`` as libvirt left it.
func checking(
  _ function: StaticString, detail: @autoclosure () -> String = "", isLocal: Bool = false,
  _ body: () -> Int32
) throws(LibvirtError) {
  let result = noting(function, detail: detail, isLocal: isLocal, body)
  if result < 0 { throw LibvirtError(lastErrorOf: function) }
}

/// Calls a libvirt function that returns a count, a truth or a choice, and a negative number when
/// it fails.
///
/// - Parameters:
///   - function: Name of the function.
///   - detail: What it is about, for the trace of a debug build.
///   - isLocal: True for a function that only reads the handle: not noted.
///   - body: The call.
/// - Returns: What the function returned, not negative.
/// - Throws: ``LibvirtError`` as libvirt left it.
func counting(
  _ function: StaticString, detail: @autoclosure () -> String = "", isLocal: Bool = false,
  _ body: () -> Int32
) throws(LibvirtError) -> Int {
  let result = noting(function, detail: detail, isLocal: isLocal, body)
  if result < 0 { throw LibvirtError(lastErrorOf: function) }
  return Int(result)
}

/// Calls a libvirt function that returns a text the caller has to free.
///
/// - Parameters:
///   - function: Name of the function.
///   - detail: What it is about, for the trace of a debug build.
///   - isLocal: True for a function that only reads the handle: not noted.
///   - body: The call.
/// - Returns: A copy of the text.
/// - Throws: ``LibvirtError`` as libvirt left it.
func takingString(
  _ function: StaticString, detail: @autoclosure () -> String = "", isLocal: Bool = false,
  _ body: () -> UnsafeMutablePointer<CChar>?
) throws(LibvirtError) -> String {
  let text = try unsafe checkingNil(function, detail: detail(), isLocal: isLocal, body)
  defer { unsafe free(text) }
  return unsafe String(cString: text)
}

/// Calls a libvirt function that fills an array of handles the caller has to free.
///
/// - Parameters:
///   - function: Name of the function.
///   - detail: What it is about, for the trace of a debug build.
///   - body: The call, which gets the place for the array.
/// - Returns: The handles, which the caller owns.
/// - Throws: ``LibvirtError`` as libvirt left it.
func takingHandles(
  _ function: StaticString, detail: @autoclosure () -> String = "",
  _ body: (UnsafeMutablePointer<UnsafeMutablePointer<OpaquePointer?>?>) -> Int32
) throws(LibvirtError) -> [OpaquePointer] {
  var list: UnsafeMutablePointer<OpaquePointer?>?
  let count = try counting(function, detail: detail()) { unsafe body(&list) }
  defer { unsafe free(list) }
  return unsafe UnsafeBufferPointer(start: list, count: count).compactMap { unsafe $0 }
}

/// Makes a call, and lets the trace of a debug build know before and after.
///
/// - Parameters:
///   - function: Name of the function.
///   - detail: What it is about.
///   - isLocal: True for a function that does not leave the process.
///   - body: The call.
/// - Returns: What the function returned.
private func noting<Value>(
  _ function: StaticString, detail: () -> String, isLocal: Bool, _ body: () -> Value
) -> Value {
  #if DEBUG
    if !isLocal {
      let number = CallTrace.begin(function.description, detail: detail())
      let result = CallClock.noting { withoutPipeSignal(body) }
      CallTrace.end(number)
      return result
    }
  #endif
  return isLocal ? body() : CallClock.noting { withoutPipeSignal(body) }
}

/// Does something past libvirt, and lets the trace of a debug build know before and after, as if it
/// were a call: the tests end or stop the process there too.
///
/// - Parameters:
///   - name: What is done.
///   - detail: What it is done to.
///   - body: What does it.
/// - Returns: What the body returned.
/// - Throws: What the body throws.
package func noting<Value>(
  _ name: StaticString, detail: String, _ body: () throws -> Value
) rethrows -> Value {
  #if DEBUG
    let number = CallTrace.begin(name.description, detail: detail)
    defer { CallTrace.end(number) }
  #endif
  return try body()
}
