import Logging
import ManaEventLoop
import ManaLedger
import ManaProtocol
import ManaTesting
import Synchronization
import SystemPackage
import Testing

@testable import ManaJournal
@testable import ManaServer

/// How a server ends when something falls due in that very moment.
@Suite struct EndingTests {
  private static let start: UInt64 = 1_800_000_000_000_000_000

  /// A ledger with one unsettled spend, whose time passes after a second.
  private func diskWithUnsettledSpend() throws -> SimulatedDisk {
    let disk = SimulatedDisk(seed: 1)
    let directory = try DataDirectory(
      storage: disk, creatingWith: CreationOptions(shardCount: 1, segmentBytes: JournalLimits.segmentBytesMin))
    let journal = try directory.recoverJournal(shard: 0, onDurable: {}, onFailure: { _ in }) { _ in 0 }
    var ledger = Ledger(records: RecordSpace(journal.segments), tableSeed: 1)
    let batch = BatchBuilder(ItemBatch([.purchase(1, 42, 100), .spend(2, 42, 10, timeout: 1_000)]))
    #expect(journal.makeRoom(bytes: 4_096, digest: 0, timestamp: Self.start) == .ready)
    var writer = RecordWriter(cursor: journal.cursor, position: journal.position)
    var results = [UInt8](repeating: 0, count: 2 * ItemResult.compactBytes)
    let posted = batch.items.withUnsafeBytes { items in
      results.withUnsafeMutableBytes { results in
        ledger.post(
          ItemSource(items: items.baseAddress!, count: 2, text: nil), itemType: nil, atomic: false, now: Self.start,
          writer: &writer, results: results.baseAddress!, resultStride: ItemResult.compactBytes
        ).posted
      }
    }
    #expect(posted == 2)
    journal.append(bytes: writer.bytes, records: writer.records)
    journal.close(digest: ledger.digest, timestamp: Self.start)
    return disk
  }

  @Test(arguments: 0..<6) func aTimeoutThatPassesWhileTheServerEndsIsLeftToTheNextStart(turnsBefore: Int) throws {
    let disk = try diskWithUnsettledSpend()
    var configuration = ServerConfiguration(
      dataDirectory: FilePath("/data"), listen: .tcp(host: "127.0.0.1", port: 0),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let time = ClockBox()
    configuration.clock = { time.nanoseconds }
    time.nanoseconds = Self.start
    let server = try SteppedServer(
      configuration,
      SteppedServer.Surroundings(storage: disk, random: { 7 }, onFailure: { _ in }, onReady: { _ in }))
    server.drain()
    var turns = 0
    while server.isServing {
      if turns == turnsBefore { time.nanoseconds = Self.start + 3_600_000_000_000 }
      server.turn(0)
      while server.isServing, server.write(0) {}
      turns += 1
      try #require(turns < 100, "the server does not end")
    }
  }
}

/// A clock that stands where it was put.
private final class ClockBox: Sendable {
  private let time = Atomic<UInt64>(0)
  var nanoseconds: UInt64 {
    get { time.load(ordering: .relaxed) }
    set { time.store(newValue, ordering: .relaxed) }
  }
}
