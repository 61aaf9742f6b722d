import Foundation
import ManaProtocol
import Testing

/// A write or a sync that fails under the real server: it ends at once with a clear message and status 74, nothing more
/// is acknowledged, and callers who do not know what became of their charge find out by sending it again.
@Suite(.enabled("strace is installed and may trace here") { await Tracer.isUsable() })
struct FailingDiskTests {
  static let injections = [
    ("fdatasync:error=EIO:when=1", "json"), ("fdatasync:error=EIO:when=5", "text"),
    ("pwrite64:error=EIO:when=1", "text"), ("pwrite64:error=EIO:when=4", "json"),
    ("pwrite64:error=ENOSPC:when=3", "text"), ("pwrite64:retval=0:when=2", "json"),
  ]

  @Test(arguments: injections)
  func theServerEndsAndARetryResolvesWhatIsUnknown(injection: String, logFormat: String) throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 1, arguments: ["--log-format", logFormat])
    var caller = try Caller(server, account: 7)
    _ = try caller.credit(1_000_000, id: 1)
    // The closing block of the credit, and the zeros of the spare segments, are written before anything fails.
    Thread.sleep(forTimeInterval: 2)
    let tracer = try Tracer(of: server, output: data.url.appending(path: "trace"), injection: injection)
    let charges = 40
    var acknowledged = 0
    do {
      for id in 0..<charges {
        let result = try caller.post([caller.spend(id: UInt128(id + 2))])[0]
        #expect(result.status == .ok)
        acknowledged += 1
      }
    } catch {
      // The connection ended with the process: this charge is unknown to its caller.
    }
    let end = try #require(try server.ended(within: 10), "the server goes on after \(injection)")
    tracer.stop()
    #expect(end.status == 74)
    let verb = injection.hasPrefix("fdatasync") ? "sync" : "write"
    try Self.check(end.errors, format: logFormat, says: "mana: cannot \(verb)")
    #expect(acknowledged < charges)

    // All of them again: what had been acknowledged is a replay, what was unknown happens once at most.
    let next = try ServerProcess(data: data)
    var again = try Caller(next, account: 7)
    let found = Int(try again.overview().transactions) - 1
    #expect(found == acknowledged || found == acknowledged + 1, "\(acknowledged) acknowledged, \(found) found")
    for id in 0..<charges {
      let result = try again.post([again.spend(id: UInt128(id + 2))])[0]
      #expect(result.status == .ok && result.sequence == UInt32(id + 2))
      #expect(result.replayed == (id < found), "charge \(id)")
    }
    let overview = try again.overview()
    #expect(overview.balance == Int64(1_000_000 - charges) && overview.transactions == UInt64(charges + 1))
    #expect(next.terminate() == 0)
  }

  /// The last line, and no other, says what failed, in the format of all lines.
  private static func check(_ log: String, format: String, says what: String) throws {
    let lines = log.split(separator: "\n")
    #expect(lines.count { $0.contains("mana: cannot") } == 1, "\(log)")
    let last = try #require(lines.last.map(String.init))
    #expect(last.contains(what) && last.contains(".segment: "), "\(log)")
    guard format == "json" else {
      #expect(last.contains(" critical the journal cannot be written: error="), "\(last)")
      return
    }
    let event = try #require(try LogTests.events(log).last)
    #expect(event["level"] as? String == "critical" && event["event"] as? String == "the journal cannot be written")
    #expect((event["error"] as? String)?.hasPrefix(what) == true && event["shard"] as? Int == 0, "\(last)")
  }
}
