import Foundation
import ManaProtocol
import Testing

/// A server whose memory holds next to nothing of the history, beside one that has all of it: whatever is asked, both
/// answer the same, and their ledgers have the same digest.
@Suite struct RetentionTests {
  /// SplitMix64.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }

  private static let accounts: ClosedRange<UInt64> = 1...6
  private static let small = [
    "--segment-bytes", "65536", "--resident-memory", "65536", "--checkpoint-bytes", "65536", "--metrics", "127.0.0.1:0",
  ]
  private static let whole = ["--segment-bytes", "65536", "--checkpoint-bytes", "0"]

  /// Items about what was posted long ago as often as about what is new: refunds, settlements, repetitions, conflicts.
  private static func items(_ count: Int, upTo last: inout UInt64, using numbers: inout Numbers) -> [Item] {
    (0..<count).map { _ in
      let old = UInt64.random(in: 1...last, using: &numbers)
      let account = UInt128(old % 6 + 1)
      switch Int.random(in: 0..<10, using: &numbers) {
      case 0: return spend(old)
      case 1: return Item(id: UInt128(old), account: account, amount: 77, type: .bonus, operation: .bonus)
      case 2, 3:
        last += 6
        let id = UInt128(1_000_000 + last)
        return Item(
          id: id, account: account, related: UInt128(old), amount: UInt64.random(in: 1...2, using: &numbers),
          type: .refund, operation: .refund)
      case 4:
        return Item(
          id: UInt128(2_000_000 + old), account: account, related: UInt128(old), amount: 1, type: .settlement,
          operation: nil)
      default:
        last += 1
        return spend(last)
      }
    }
  }

  /// The spend with an id, always the same. Each seventh one may be settled within an hour.
  private static func spend(_ id: UInt64) -> Item {
    let settles = id % 7 == 0
    return Item(
      id: UInt128(id), account: UInt128(id % 6 + 1), related: settles ? 3_600_000 : 0, amount: id % 5 + 1, type: .spend,
      flags: settles ? .unsettled : [], operation: .combination)
  }

  /// A result without its time, which is the server's own.
  private static func timeless(_ results: [ItemResult]) -> [ItemResult] {
    results.map {
      var result = $0
      result.timestamp = 0
      return result
    }
  }

  /// A page's transactions without their times, and what stands before them.
  private static func page(_ caller: inout Caller, _ query: HistoryQuery) throws -> (rows: [[UInt8]], next: UInt64) {
    var body = [UInt8](repeating: 0, count: HistoryQuery.fixedBytes)
    body.withUnsafeMutableBytes { query.store(to: $0.baseAddress!, referenceBytes: 0) }
    let reply = try caller.call(.listTransactions, body)
    #expect(reply.header.status == 0)
    return try reply.body.withUnsafeBytes { bytes in
      let view = try HistoryReplyView(reading: bytes)
      let rows = (0..<view.prelude.count).map { index in
        var row = Array(UnsafeRawBufferPointer(start: view[index].base, count: TransactionView.bytes))
        row.replaceSubrange(72..<80, with: [UInt8](repeating: 0, count: 8))
        return row
      }
      return (rows, view.prelude.next)
    }
  }

  /// All pages of an account.
  private static func history(_ caller: inout Caller, account: UInt128, limit: Int, oldestFirst: Bool) throws
    -> [[UInt8]]
  {
    var query = HistoryQuery(account: account, limit: limit)
    query.oldestFirst = oldestFirst
    var rows: [[UInt8]] = []
    repeat {
      let page = try page(&caller, query)
      rows += page.rows
      query.start = page.next
    } while query.start != 0
    return rows
  }

  /// The digest of the whole ledger, which a shard's is a part of: each ledger deals accounts in its own way.
  private static func verifiedDigest(_ path: String) async throws -> UInt64 {
    let outcome = try await Programs.run(Programs.folder.appending(path: "mana-server"), ["verify", path, "--json"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let digests = try #require(object["shards"] as? [[String: Any]]).map { $0["digest"] as? String }
    return try digests.reduce(0) { try $0 &+ #require($1.flatMap { UInt64($0.dropFirst(2), radix: 16) }) }
  }

  /// The server's own figures.
  private static func figures(_ server: ServerProcess) throws -> [String: Double] {
    let reply = try MetricsTests.get("/metrics", at: server.metricsAddress, accept: "application/openmetrics-text")
    return try MetricsTests.samples(reply.body)
  }

  /// The shards whose journals have segments that are not in memory. Accounts are dealt by chance: it need not be all.
  private static func shardsBeyondMemory(_ samples: [String: Double], shards: Int) -> [Int] {
    (0..<shards).filter { samples["mana_journal_position_bytes{shard=\"\($0)\"}", default: 0] > 3 * 65_536 }
  }

  /// It keeps to its limit, and has read blocks back.
  private static func checkFigures(_ server: ServerProcess, shards: Int) throws {
    let samples = try figures(server)
    #expect(!shardsBeyondMemory(samples, shards: shards).isEmpty, "too little to mean anything")
    for shard in shardsBeyondMemory(samples, shards: shards) {
      #expect(samples["mana_journal_blocks_read_total{shard=\"\(shard)\"}", default: 0] > 0)
    }
    for shard in 0..<shards {
      #expect(samples["mana_journal_segments_resident{shard=\"\(shard)\"}", default: 9] <= 2)
      #expect(samples["mana_journal_read_failures_total{shard=\"\(shard)\"}"] == 0)
      #expect(samples["mana_parts_waiting_for_records{shard=\"\(shard)\"}"] == 0)
      #expect(samples["mana_checkpoint_failures_total{shard=\"\(shard)\"}"] == 0)
    }
  }

  /// Posts the same random batches to both, and compares each result.
  private static func post(
    _ few: inout Caller, _ all: inout Caller, rounds: Int, last: inout UInt64, using numbers: inout Numbers
  ) throws {
    for round in 0..<rounds {
      var items = items(Int.random(in: 1...60, using: &numbers), upTo: &last, using: &numbers)
      var flags: BatchFlags = [.fullResults]
      if round % 5 == 0 {
        items = items.filter { $0.account == items[0].account }
        flags.insert(.atomic)
      }
      let expected = timeless(try all.post(items, flags: flags))
      #expect(timeless(try few.post(items, flags: flags)) == expected, "round \(round)")
    }
  }

  private static func compareHistories(_ few: inout Caller, _ all: inout Caller) throws {
    for account in accounts {
      for (limit, oldestFirst) in [(1_000, false), (1_000, true), (37, false), (50, true)] {
        let expected = try history(&all, account: UInt128(account), limit: limit, oldestFirst: oldestFirst)
        let found = try history(&few, account: UInt128(account), limit: limit, oldestFirst: oldestFirst)
        #expect(found == expected, "account \(account), pages of \(limit), oldest first: \(oldestFirst)")
      }
    }
  }

  @Test(arguments: [1, 2]) func aServerWithLittleMemoryAnswersTheSame(shards: Int) async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var numbers = Numbers(state: seed)
    let data = try TemporaryDirectory()
    let paths = ["few", "all"].map { data.url.appending(path: $0).path() }
    var last: UInt64 = 6
    for start in 0..<3 {
      // Each may be opened with the other's setting: it is not part of the ledger.
      let settings = start == 1 ? [Self.whole, Self.small] : [Self.small, Self.whole]
      let servers = try zip(paths, settings).map {
        try ServerProcess(data: data, ledger: $0, shards: shards, arguments: $1)
      }
      var few = try Caller(servers[0], account: 1)
      var all = try Caller(servers[1], account: 1)
      if start == 0 {
        let credits = Self.accounts.map {
          Item(id: 5_000_000, account: UInt128($0), amount: 1_000_000, type: .purchase, operation: .purchase)
        }
        #expect(Self.timeless(try few.post(credits)) == Self.timeless(try all.post(credits)))
      }
      let limited = servers[start == 1 ? 1 : 0]
      repeat {
        try Self.post(&few, &all, rounds: 80, last: &last, using: &numbers)
      } while Self.shardsBeyondMemory(try Self.figures(limited), shards: shards).isEmpty
      try Self.compareHistories(&few, &all)
      try Self.checkFigures(limited, shards: shards)
      if start == 0 { servers.forEach { $0.kill() } } else { #expect(servers.allSatisfy { $0.terminate() == 0 }) }
    }
    #expect(last > 4_000, "too little for more than a few segments")
    #expect(try await Self.verifiedDigest(paths[0]) == Self.verifiedDigest(paths[1]), "seed \(seed)")
  }
}
