// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@Suite struct GlobalOptionsTests {
  private func parse(_ words: String...) throws(UsageError) -> GlobalOptions {
    try GlobalOptions.parse(words)
  }

  @Test func `letters`() throws {
    let options = try parse(
      "-c", "test:///default", "-d", "0", "-e", "^a", "-k", "5", "-K", "6", "-l", "log", "-q", "-r",
      "-t", "echo", "-q")
    #expect(options.uri == "test:///default")
    #expect(options.debugLevel == .debug)
    #expect(options.escape == "^a")
    #expect(options.keepaliveInterval == 5)
    #expect(options.keepaliveCount == 6)
    #expect(options.logFile == "log")
    #expect(options.isQuiet && options.isReadOnly && options.isTimed)
    #expect(options.words == ["echo", "-q"])
    #expect(options.action == .run)
  }

  @Test func `long names, attached and apart, and shortened`() throws {
    let options = try parse(
      "--connect=a", "--conn", "b", "--debug=1", "--esc", "x", "--keepalive-interval", "0x10",
      "--keepalive-count=010", "--log=", "--qu", "--read", "--timing", "--no-pkttyagent", "--", "-x"
    )
    #expect(options.uri == "b")
    #expect(options.debugLevel == .info)
    #expect(options.escape == "x")
    #expect(options.keepaliveInterval == 16)
    #expect(options.keepaliveCount == 8)
    #expect(options.logFile == "")
    #expect(options.isQuiet && options.isReadOnly && options.isTimed)
    #expect(options.words == ["-x"])
  }

  @Test func `letters in bundles and values attached to them`() throws {
    let options = try parse("-qrd3", "-cURI", "-tk7", "-c", "-q", "-", "x")
    #expect(options.isQuiet && options.isReadOnly && options.isTimed)
    #expect(options.debugLevel == .warning)
    #expect(options.keepaliveInterval == 7)
    #expect(options.uri == "-q")
    #expect(options.words == ["-", "x"])
  }

  @Test(arguments: [
    (["-h", "-Z"], GlobalOptions.Action.help), (["--help"], .help), (["-qh"], .help),
    (["-v"], .version(isLong: false)), (["-vZ"], .version(isLong: false)),
    (["-V"], .version(isLong: true)), (["--version", "long"], .version(isLong: false)),
    (["--version=long"], .version(isLong: true)), (["--ver=lo"], .version(isLong: false)),
    (["--version="], .version(isLong: false)), (["-q", "-v", "-h"], .version(isLong: false)),
  ])
  func `what ends the options at once`(words: [String], action: GlobalOptions.Action) throws {
    #expect(try GlobalOptions.parse(words).action == action)
  }

  @Test(arguments: [
    (["-Z"], "unsupported option '-Z'. See --help."),
    (["-Z", "-h"], "unsupported option '-Z'. See --help."),
    (["-qZ"], "unsupported option '-Z'. See --help."),
    (["--quiet=1"], "unsupported option '-q'. See --help."),
    (["--zzz=3"], "unsupported option '--zzz=3'. See --help."),
    (["--keep=3"], "unsupported option '--keep=3'. See --help."),
    (["--keep", "3"], "unsupported option '--keep'. See --help."),
    (["-c"], "option '-c'/'--connect' requires an argument"),
    (["--connect"], "option '-c'/'--connect' requires an argument"),
    (["--keepalive-c"], "option '-K'/'--keepalive-count' requires an argument"),
    (["-d", "x"], "option -d takes a numeric argument"),
    (["--debug", ""], "option --debug takes a numeric argument"),
    (["-d=3"], "option -d takes a numeric argument"),
    (["-d", "0x1"], "option -d takes a numeric argument"),
    (["-e", "abc"], "Invalid string 'abc' for escape sequence"),
    (["-e", ""], "Invalid string '' for escape sequence"),
    (["-e", "^"], "Invalid string '^' for escape sequence"),
    (["-e", "^1"], "Invalid string '^1' for escape sequence"),
    (["-e", "é"], "Invalid string 'é' for escape sequence"),
    (["-k", "x"], "Invalid value for option -k"),
    (["--keepalive-i=x"], "Invalid value for option --keepalive-interval"),
    (["-k", ""], "Invalid value for option -k"), (["-k", "08"], "Invalid value for option -k"),
    (["-k", "99999999999"], "Invalid value for option -k"),
    (["-k", "+-1"], "Invalid value for option -k"),
    (["-K-3"], "option -K requires a positive integer argument"),
    (["--keepalive-count=-1"], "option --keepalive-count requires a positive integer argument"),
  ])
  func `mistakes`(words: [String], message: String) {
    let error = #expect(throws: UsageError.self) { try GlobalOptions.parse(words) }
    #expect(error?.lines == [message])
  }

  @Test(arguments: ["^a", "^z", "^@", "^A", "^[", "^\\", "^]", "^^", "^_", "x", "1"])
  func `escape characters`(text: String) throws {
    #expect(try parse("-e", text).escape == text)
  }

  @Test func `a level out of range is told and ignored, and what follows still counts`() {
    var warnings: [String] = []
    let error = #expect(throws: UsageError.self) {
      try GlobalOptions.parse(["-d1", "-d", "7", "-d", "-1", "-Z"], warn: { warnings.append($0) })
    }
    #expect(
      warnings == [
        "ignoring debug level 7 out of range [0-4]", "ignoring debug level -1 out of range [0-4]",
      ])
    #expect(error?.lines == ["unsupported option '-Z'. See --help."])
  }

  @Test func `a log is opened when its turn comes`() throws {
    var opened: [String] = []
    let options = try GlobalOptions.parse(
      ["-l", "a", "--log=b", "-h", "-l", "c"],
      openLog: { path in
        opened.append(path)
        return true
      })
    #expect(opened == ["a", "b"])
    #expect(options.logFile == "b")
    let error = #expect(throws: UsageError.self) {
      try GlobalOptions.parse(["-l", "a"], openLog: { _ in false })
    }
    #expect(error?.lines == ["failed to open the log file. check the log file path"])
  }
}
