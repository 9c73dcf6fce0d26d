// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import Testing

@testable import BackupCommands

/// A line of shell scripts, and what became of them.
private final class ScriptLine: WorkLine {
  private var scripts: ArraySlice<String>
  private let limit: Duration?
  private let input: [UInt8]?
  private(set) var outcomes: [Crew.Outcome] = []
  private(set) var isSkipped = false

  init(_ scripts: String..., limit: Duration? = nil, input: [UInt8]? = nil) {
    self.scripts = scripts[...]
    self.limit = limit
    self.input = input
  }

  func next(after outcome: Crew.Outcome?) -> Crew.Step? {
    if let outcome { outcomes.append(outcome) }
    return scripts.popFirst().map { script in
      Crew.Step(child: Child("/bin/sh", ["-c", script]), input: input, limit: limit)
    }
  }

  func skip() { isSkipped = true }
}

/// A directory that is gone with the object.
private final class Place {
  let path = "\(FileManager.default.temporaryDirectory.path)/virsh-backup-\(UUID().uuidString)"
  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func file(_ name: String) -> String { "\(path)/\(name)" }
  func make(_ name: String) throws {
    #expect(mkfifo(file(name), 0o600) == 0)
  }
}

/// Programs side by side; SIGCHLD is the whole process's, so that these tests come one after the other.
@Suite(.serialized) struct CrewTests {
  private func crew(_ jobs: Int, stop: Int32 = -1, _ times: Crew.Times = .init()) -> Crew {
    Crew(jobs: jobs, stop: stop, times: times)
  }

  @Test func `a line's programs come one after the other, with all that they say`() throws {
    let line = ScriptLine("echo one; echo two >&2", "exit 3", "kill -9 $$", "seq 100000")
    crew(1).run([line])
    #expect(
      line.outcomes.map(\.ending) == [.exited(0), .exited(3), .killed(by: SIGKILL), .exited(0)])
    #expect(line.outcomes[0].output == "one\n" && line.outcomes[0].errors == "two\n")
    #expect(line.outcomes[3].output.hasSuffix("\n100000\n"))
    #expect(line.outcomes[3].output.utf8.count == 588_895)
  }

  @Test func `what cannot be started is told like an end`() {
    final class Missing: WorkLine {
      var outcome: Crew.Outcome?
      func next(after outcome: Crew.Outcome?) -> Crew.Step? {
        self.outcome = outcome
        return outcome == nil ? Crew.Step(child: Child("/nowhere/at/all", [])) : nil
      }
      func skip() {}
    }
    let line = Missing()
    crew(1).run([line])
    #expect(line.outcome?.ending == .notStarted(reason: "No such file or directory"))
  }

  @Test func `so many lines run at a time, and no more`() throws {
    let place = try Place()
    // Each of two waits for the other, and the third for neither.
    for name in ["a", "b"] { try place.make(name) }
    let first = ScriptLine("echo x >'\(place.file("a"))'; cat '\(place.file("b"))'")
    let second = ScriptLine("cat '\(place.file("a"))'; echo y >'\(place.file("b"))'")
    let third = ScriptLine("test -e '\(place.file("done"))'")
    let touching = ScriptLine("touch '\(place.file("done"))'")
    crew(2).run([first, second, touching, third])
    #expect(first.outcomes.first?.output == "y\n" && second.outcomes.first?.output == "x\n")
    let alone = ScriptLine("mkdir '\(place.file("m"))' && sleep 0.1 && rmdir '\(place.file("m"))'")
    let again = ScriptLine("mkdir '\(place.file("m"))' && rmdir '\(place.file("m"))'")
    crew(1).run([alone, again])
    let outcomes = alone.outcomes + again.outcomes
    #expect(outcomes.map(\.isSuccess) == [true, true])
  }

  @Test func `a program that takes too long is asked to end, then killed`() {
    let obedient = ScriptLine(
      "trap 'echo undone; exit 1' TERM; while :; do sleep 0.05; done", limit: .milliseconds(300))
    let deaf = ScriptLine(
      "trap '' TERM; while :; do sleep 0.05; done", limit: .milliseconds(300))
    let began = ContinuousClock.now
    crew(2, .init(grace: .milliseconds(500))).run([obedient, deaf])
    #expect(obedient.outcomes.first?.ending == .exited(1))
    #expect(obedient.outcomes.first?.output == "undone\n")
    #expect(deaf.outcomes.first?.ending == .killed(by: SIGKILL))
    let outcomes = obedient.outcomes + deaf.outcomes
    #expect(outcomes.map(\.isLate) == [true, true])
    #expect(outcomes.map(\.isCancelled) == [false, false])
    #expect(ContinuousClock.now - began < .seconds(20))
  }

  @Test func `one that says nothing does not keep the next from its turn`() throws {
    let place = try Place()
    try place.make("f")
    let silent = ScriptLine("cat '\(place.file("f"))'")
    let next = ScriptLine("echo go >'\(place.file("f"))'")
    crew(1, .init(patience: .milliseconds(200))).run([silent, next])
    #expect(silent.outcomes.first?.output == "go\n")
    #expect(next.outcomes.first?.isSuccess == true)
  }

  @Test func `a request to stop reaches all that runs, which is waited for; the rest is left`()
    throws
  {
    let stop = try #require(Pipe())
    defer { for end in [stop.reading, stop.writing] { close(end) } }
    let place = try Place()
    let script = "trap 'sleep 0.1; echo undone; exit 1' TERM; while :; do sleep 0.05; done"
    let lines = (0..<2).map { _ in ScriptLine(script, "echo more") }
    let waiting = ScriptLine("touch '\(place.file("begun"))'")
    let asker = try Foundation.Process.run(
      URL(filePath: "/bin/sh"), arguments: ["-c", "sleep 0.5; kill -USR1 \(getpid())"])
    defer { asker.waitUntilExit() }
    stopDescriptor = stop.writing
    signal(SIGUSR1) { _ in
      var byte: UInt8 = 1
      write(stopDescriptor, &byte, 1)
    }
    defer { signal(SIGUSR1, SIG_DFL) }
    let crew = crew(2, stop: stop.reading)
    crew.run(lines + [waiting])
    #expect(crew.wasStopped && waiting.isSkipped)
    for line in lines {
      #expect(line.outcomes.map(\.ending) == [.exited(1)])
      #expect(line.outcomes.first?.output == "undone\n")
      #expect(line.outcomes.first?.isCancelled == true)
    }
    #expect(!FileManager.default.fileExists(atPath: place.file("begun")))
  }

  @Test func `a program gets its input, however much, and may leave it`() {
    let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 300_000)
    let reader = ScriptLine("wc -c", input: bytes)
    let leaver = ScriptLine("exec <&-; sleep 0.1; echo left", input: bytes)
    crew(2).run([reader, leaver])
    #expect(reader.outcomes.first?.output == "300000\n")
    #expect(leaver.outcomes.first?.output == "left\n")
  }

  @Test func `one with no input reads to its end when we are gone, and not before`() {
    // The input of `cat` does not end while the crew lives, so that `timeout` has to stop it.
    let line = ScriptLine("timeout 0.2 cat; echo $?")
    crew(1).run([line])
    #expect(line.outcomes.first?.output == "124\n")
  }
}

/// The end of a pipe to which the handler of SIGUSR1 writes.
nonisolated(unsafe) private var stopDescriptor: Int32 = -1
