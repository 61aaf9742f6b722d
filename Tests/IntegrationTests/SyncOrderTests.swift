import Foundation
import ManaProtocol
import Testing

/// What the operating system sees: replies only after the sync of their block, and one sync for many charges.
@Suite(.enabled(if: Tracer.isUsable, "strace is not installed or may not trace here"))
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
    let trace = data.url.appending(path: "trace")
    let server = try ServerProcess(
      data: data, shards: 1,
      launcher: [
        "strace", "-f", "-qq", "-yy", "-s", "0", "-o", trace.path(), "-e", "signal=none", "-e",
        "trace=fdatasync,write,writev,sendmsg,sendto",
      ])
    var caller = try Caller(server, account: 6)
    _ = try caller.credit(1_000_000, id: 1)
    // The closing block of the credit is written before anything is counted.
    Thread.sleep(forTimeInterval: 0.2)
    let before = try events(in: trace).count
    try body(&caller)
    return try Array(events(in: trace).dropFirst(before))
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

/// strace, where it is installed and may trace.
enum Tracer {
  static let isUsable: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["strace", "-qq", "-o", "/dev/null", "true"]
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      return false
    }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
}
