import Foundation
import ManaProtocol
import Testing

/// What the operating system sees: replies only after the sync of their block, and one sync for many charges.
@Suite(.enabled("strace is installed and may trace here") { await Tracer.isUsable() })
struct SyncOrderTests {
  /// What happened, in order.
  private enum Event { case synced, replied }

  /// The syncs that returned and the writes to callers that began.
  private static func events(in trace: URL) throws -> [Event] {
    try String(contentsOf: trace, encoding: .utf8).split(separator: "\n").compactMap { line in
      if line.contains("fdatasync") && line.contains(" = 0") { return .synced }
      let isWrite = ["write(", "writev(", "sendmsg(", "sendto("].contains { line.contains($0) }
      return isWrite && line.contains("<TCP:[") ? .replied : nil
    }
  }

  private static func serve(_ body: (inout Caller) throws -> Void) throws -> [Event] {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 1)
    var caller = try Caller(server, account: 6)
    _ = try caller.credit(1_000_000, id: 1)
    // The closing block of the credit is written before anything is traced.
    Thread.sleep(forTimeInterval: 0.2)
    let tracer = try Tracer(of: server, output: data.url.appending(path: "trace"))
    try body(&caller)
    tracer.stop()
    return try events(in: tracer.output)
  }

  @Test func noReplyLeavesBeforeItsSyncReturned() throws {
    let charges = 25
    let events = try Self.serve { caller in
      for id in 0..<charges { _ = try caller.post([caller.spend(id: UInt128(id + 2))]) }
    }
    var synced = 0
    var replied = 0
    for event in events {
      switch event {
      case .synced: synced += 1
      case .replied:
        replied += 1
        #expect(synced >= replied, "reply \(replied) left after \(synced) syncs")
      }
    }
    #expect(replied == charges)
  }

  @Test func oneSyncServesManyCharges() throws {
    let charges = 400
    let events = try Self.serve { caller in
      var bytes: [UInt8] = []
      for id in 0..<charges {
        bytes += frame(.spend, correlation: UInt64(id), body: batchBody([caller.spend(id: UInt128(id + 2))]))
      }
      try caller.connection.send(bytes)
      for _ in 0..<charges { #expect(try caller.connection.receiveFrame().header.status == 0) }
    }
    let syncs = events.count { $0 == .synced }
    #expect(syncs >= 1 && syncs <= charges / 20, "\(syncs) syncs for \(charges) charges")
  }
}

/// strace, attached to all threads of a server.
final class Tracer {
  struct CannotAttach: Error {}

  let output: URL
  private let process = Process()

  /// Whether strace is installed and may trace here.
  static func isUsable() async -> Bool {
    do {
      return try await Programs.run(
        URL(filePath: "/usr/bin/env"), ["strace", "-qq", "-o", "/dev/null", "true"]
      ).status == 0
    } catch {
      return false
    }
  }

  /// `injection`: what to do to which system calls, in strace's words; nil only looks.
  init(of server: ServerProcess, output: URL, injection: String? = nil) throws {
    self.output = output
    process.executableURL = URL(filePath: "/usr/bin/env")
    let expressions =
      injection.map { ["-e", "trace=\($0.prefix { $0 != ":" })", "-e", "inject=\($0)"] }
      ?? ["-e", "trace=fdatasync,write,writev,sendmsg,sendto"]
    process.arguments =
      ["strace", "-f", "-qq", "-yy", "-s", "0", "-o", output.path(), "-e", "signal=none"] + expressions
      + ["-p", "\(server.processIdentifier)"]
    process.standardError = FileHandle.nullDevice
    try process.run()
    for _ in 0..<500 {
      if try Self.isTraced(server.processIdentifier) { return }
      Thread.sleep(forTimeInterval: 0.02)
    }
    throw CannotAttach()
  }

  /// Whether each thread of a process has a tracer.
  private static func isTraced(_ processIdentifier: Int32) throws -> Bool {
    let tasks = "/proc/\(processIdentifier)/task"
    return try FileManager.default.contentsOfDirectory(atPath: tasks).allSatisfy { task in
      try !String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8).contains("TracerPid:\t0\n")
    }
  }

  /// Detaches; the trace is complete afterwards.
  func stop() {
    kill(process.processIdentifier, SIGINT)
    for _ in 0..<500 where process.isRunning { Thread.sleep(forTimeInterval: 0.02) }
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}
