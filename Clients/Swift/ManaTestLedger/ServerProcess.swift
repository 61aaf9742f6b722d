internal import Foundation
internal import ManaClient
internal import Synchronization

/// One run of the server.
///
/// Between it and the test stands a shell that kills the server when its standard input ends. That happens when the
/// test is through, and also when the test's process crashes: no server is left behind. The kill is SIGKILL, because a
/// process that was started from a thread with blocked signals has them blocked too, and would not hear a milder one.
///
/// Nothing here blocks a thread of Swift's concurrency: a test suite needs all of them.
final class ServerProcess: Sendable {
  let address: ManaAddress

  private let lifeline: FileHandle
  private let ending: Ending

  /// Starts a server and waits until it is ready.
  ///
  /// - Parameters:
  ///   - program: the path of `mana-server`.
  ///   - arguments: its arguments.
  ///   - log: the file that its standard error is appended to.
  init(program: String, arguments: [String], log: URL) async throws {
    let (input, output, ending) = (Pipe(), Pipe(), Ending())
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    // "$0" is the program. The shell gives its own standard output away, so that it ends with the server.
    process.arguments =
      ["-c", #""$0" "$@" </dev/null & exec >/dev/null; cat; kill -KILL $!; wait"#, program] + arguments
    process.standardInput = input
    process.standardOutput = output
    if !FileManager.default.fileExists(atPath: log.path()) { try Data().write(to: log) }
    let errors = try FileHandle(forUpdating: log)
    try errors.seekToEnd()
    process.standardError = errors
    process.terminationHandler = { _ in ending.happened() }
    try process.run()
    lifeline = input.fileHandleForWriting
    self.ending = ending

    let line = await Self.firstLine(of: output.fileHandleForReading, giveUp: lifeline)
    let ready = "mana-server ready on "
    guard line.hasPrefix(ready), let address = ManaAddress(String(line.dropFirst(ready.count))) else {
      Self.close(lifeline)
      await ending.wait()
      throw TestLedgerError.didNotStart(log: try String(contentsOf: log, encoding: .utf8))
    }
    self.address = address
  }

  /// Ends it and waits for that.
  func kill() async {
    Self.close(lifeline)
    await ending.wait()
  }

  /// The first line, without its end; less when the output ends before it. Closes `lifeline`, which ends the server and
  /// its output, when there is no line after a minute.
  private static func firstLine(of output: FileHandle, giveUp lifeline: FileHandle) async -> String {
    let timeout = Task {
      try await Task.sleep(for: .seconds(60))
      close(lifeline)
    }
    defer { timeout.cancel() }
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var text = ""
        while !text.contains("\n") {
          let bytes = output.availableData
          if bytes.isEmpty { break }
          text += String(decoding: bytes, as: UTF8.self)
        }
        continuation.resume(returning: String(text.prefix { $0 != "\n" }))
      }
    }
  }

  private static func close(_ handle: FileHandle) {
    // Fails only when it has been closed already, which is what is wanted.
    try? handle.close()
  }
}

/// Something that happens once, for any number of tasks to wait for.
private final class Ending: Sendable {
  private struct State {
    var hasHappened = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  func happened() {
    let waiting = state.withLock { state in
      state.hasHappened = true
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if !state.hasHappened { state.waiting.append(continuation) }
        return state.hasHappened
      }
      if isOver { continuation.resume() }
    }
  }
}
