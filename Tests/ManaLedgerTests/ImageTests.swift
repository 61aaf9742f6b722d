import ManaProtocol
import Testing

@testable import ManaLedger

/// A ledger written as an image and read again is the same ledger; what is no image is refused.
@Suite struct ImageTests {
  struct Sink: ImageSink {
    var bytes: [UInt8] = []
    mutating func append(_ more: UnsafeRawBufferPointer) { bytes += more }
  }

  struct Ended: Error {}

  /// Takes so many pieces and no more.
  struct FullSink: ImageSink {
    var room: Int
    mutating func append(_ more: UnsafeRawBufferPointer) throws(Ended) {
      guard room > 0 else { throw Ended() }
      room -= 1
    }
  }

  struct Source: ImageSource {
    let bytes: [UInt8]
    var offset = 0
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(Ended) {
      guard bytes.count - offset >= buffer.count else { throw Ended() }
      buffer.copyBytes(from: bytes[offset..<offset + buffer.count])
      offset += buffer.count
    }
  }

  private static func image(of ledger: borrowing Ledger) -> [UInt8] {
    var sink = Sink()
    ledger.writeImage(to: &sink)
    return sink.bytes
  }

  /// Random transactions of all kinds, in batches over five accounts, or over many.
  private static func bench(seed: UInt64, batches: Int, accounts: Int = 5) -> (Bench) {
    var numbers = SeededNumbers(seed: seed)
    var bench = Bench(seed: seed)
    var workload = Workload(numbers: numbers, ids: 1_500)
    for _ in 0..<batches {
      bench.now += numbers.below(500_000_000)
      _ = bench.expire(5)
      bench.post(
        (0..<1 + numbers.below(90)).map { _ in workload.entry(UInt128(1 + numbers.below(UInt64(accounts)))) })
    }
    return bench
  }

  private static func restored(_ bytes: [UInt8], _ bench: borrowing Bench) throws -> Ledger {
    var source = Source(bytes: bytes)
    let last = bench.journal.blocks.last
    let end = last.map { $0.position + UInt64(bench.journal.bytes(bench.journal.blocks.count - 1).count / 32) } ?? 1
    let ledger = try Ledger.restored(from: &source, records: bench.journal.space, end: end)
    #expect(source.offset == bytes.count)
    return ledger
  }

  @Test(arguments: [(0, 0, 5), (1, 1, 1), (2, 60, 5), (3, 60, 5), (4, 150, 5), (5, 200, 900)])
  func whatIsReadIsWhatWasWritten(seed: Int, batches: Int, accounts: Int) throws {
    var bench = Self.bench(seed: UInt64(seed), batches: batches, accounts: accounts)
    let bytes = Self.image(of: bench.ledger)
    let restored = try Self.restored(bytes, bench)
    restored.checkInvariants()
    #expect(restored.digest == bench.ledger.digest && restored.transactionCount == bench.ledger.transactionCount)
    #expect(restored.unsettledCount == bench.ledger.unsettledCount)
    #expect(Self.image(of: restored) == bytes)
    // It goes on as the other one would: its journal, executed from the beginning, gives its state.
    bench.ledger = restored
    var numbers = SeededNumbers(seed: UInt64(seed) + 100)
    var workload = Workload(numbers: numbers, ids: 1_500)
    for _ in 0..<40 {
      bench.now += numbers.below(5_000_000_000)
      _ = bench.expire(50)
      bench.post((0..<60).map { _ in workload.entry(UInt128(1 + numbers.below(5))) })
    }
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  /// Indexes of one sub-table, doubled again and again, and of many.
  @Test(arguments: [1, 300, 5_000, 60_000, 300_000])
  func indexesOfEachSize(entries: Int) throws {
    var index = HashIndex()
    var numbers = SeededNumbers(seed: UInt64(entries))
    let hashes = (0..<entries).map { _ in numbers.next() }
    for (payload, hash) in hashes.enumerated() { index.insert(hash, payload: UInt64(payload + 1)) }
    var sink = Sink()
    index.writeImage(to: &sink)
    var source = Source(bytes: sink.bytes)
    var restored = try HashIndex(image: &source, payloadMax: UInt64(entries))
    #expect(restored.count == entries && restored.depth == index.depth)
    restored.checkInvariants()
    for (payload, hash) in hashes.enumerated() {
      #expect(restored.find(hash) { $0 == UInt64(payload + 1) } == UInt64(payload + 1))
    }
    for more in 0..<entries { restored.insert(numbers.next(), payload: UInt64(more + 1)) }
    restored.checkInvariants()
    var again = Source(bytes: sink.bytes)
    #expect(throws: ImageError<Ended>.self) { _ = try HashIndex(image: &again, payloadMax: UInt64(entries) - 1) }
  }

  /// What takes an image fails somewhere: the writer is told, wherever it is.
  @Test func aSinkThatIsFull() throws {
    let bench = Self.bench(seed: 3, batches: 5)
    for room in 0... {
      var sink = FullSink(room: room)
      do throws(Ended) {
        try bench.ledger.writeImage(to: &sink)
        #expect(sink.room == 0 && room > 30)
        return
      } catch {
        #expect(sink.room == 0)
      }
    }
  }

  /// Sub-tables that claim the same place, and an entry that lies where no search comes to.
  @Test func indexesThatCannotBe() throws {
    var numbers = SeededNumbers(seed: 4)
    var index = HashIndex()
    for payload in 1...60_000 as ClosedRange<UInt64> { index.insert(numbers.next(), payload: payload) }
    #expect(index.subTableCount > 1)
    var sink = Sink()
    index.writeImage(to: &sink)
    // Behind four words: depth, place and entries of each sub-table.
    sink.bytes.replaceSubrange(56..<72, with: sink.bytes[32..<48])
    #expect(Self.fault(of: sink.bytes, payloadMax: 60_000) == "a sub-table's place")

    var small = HashIndex()
    small.insert(numbers.next(), payload: 1)
    var image = Sink()
    small.writeImage(to: &image)
    let buckets = 56
    let home = try #require(
      stride(from: buckets, to: image.bytes.count, by: 64).first { image.bytes[$0..<$0 + 8].contains { $0 != 0 } })
    let next = home + 64 < image.bytes.count ? home + 64 : buckets
    var slot = image.bytes[home..<home + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    slot += 1 << UInt64(small.payloadBits)
    withUnsafeBytes(of: slot.littleEndian) { image.bytes.replaceSubrange(next..<next + 8, with: $0) }
    image.bytes.replaceSubrange(home..<home + 8, with: [UInt8](repeating: 0, count: 8))
    #expect(Self.fault(of: image.bytes, payloadMax: 1) == "an index's buckets")
  }

  /// What is wrong with an index; nil when nothing is.
  private static func fault(of image: [UInt8], payloadMax: UInt64) -> String? {
    var source = Source(bytes: image)
    do throws(ImageError<Ended>) {
      _ = try HashIndex(image: &source, payloadMax: payloadMax)
      return nil
    } catch .unsound(let what) {
      return "\(what)"
    } catch {
      return "\(error)"
    }
  }

  enum Contradiction: String, CaseIterable {
    case transactionsNotIndexed = "a transaction is not indexed"
    case unsettledMiscounted = "the number of unsettled spends"
    case refundsNotIndexed = "the number of refunded spends"
    case rootsNowhere = "an account"
  }

  /// Tables that are in order each, and do not belong together.
  @Test(arguments: Contradiction.allCases) func tablesThatContradictEachOther(_ contradiction: Contradiction) throws {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100_000), .spend(2, 1, 5), .refund(3, 1, of: 2, 1)])
    // So many that there are more roots than an account has room for.
    for id in 4..<1_014 as Range<UInt128> { bench.post([.spend(id, 1, 1)], stride: ItemResult.compactBytes) }
    #expect(bench.ledger.accounts[0].overflow != 0 && bench.ledger.accounts[0].stackedRootCount > 7)
    _ = try Self.restored(Self.image(of: bench.ledger), bench)
    switch contradiction {
    case .transactionsNotIndexed: bench.ledger.transactions = HashIndex()
    case .unsettledMiscounted: bench.ledger.accounts[0].unsettledCount += 1
    case .refundsNotIndexed: bench.ledger.spends.index = HashIndex()
    case .rootsNowhere: bench.ledger.accounts[0].overflow = 0
    }
    var source = Source(bytes: Self.image(of: bench.ledger))
    do throws(ImageError<Ended>) {
      _ = try Ledger.restored(from: &source, records: bench.journal.space, end: 1 << 38)
      Issue.record("it was taken")
    } catch .unsound(let what) {
      #expect("\(what)" == contradiction.rawValue)
    }
  }

  /// An image cut off anywhere, and one with any word changed: refused, or a ledger with the same digest.
  @Test func whatIsNoImageIsRefused() throws {
    let bench = Self.bench(seed: 9, batches: 3, accounts: 3)
    let bytes = Self.image(of: bench.ledger)
    for count in stride(from: 0, to: bytes.count, by: 61) {
      var source = Source(bytes: Array(bytes[..<count]))
      #expect(throws: ImageError<Ended>.self) {
        _ = try Ledger.restored(from: &source, records: bench.journal.space, end: 1 << 38)
      }
    }
    var refused = 0
    for offset in stride(from: 0, to: bytes.count, by: 8) {
      for value in [UInt8(0), 1, 0x80, 0xFF] {
        var changed = bytes
        for byte in 0..<8 { changed[offset + byte] ^= byte == Int(value) % 8 ? value | 1 : value }
        do {
          let ledger = try Self.restored(changed, bench)
          #expect(ledger.digest == bench.ledger.digest || offset == 32)
        } catch {
          refused += 1
        }
      }
    }
    #expect(refused > 1_000)
    var other = bytes
    other[0] = 9
    do {
      _ = try Self.restored(other, bench)
      Issue.record("another version was read")
    } catch ImageError<Ended>.version(let version) {
      #expect(version == 9)
    }
  }
}
