import ManaProtocol
import Testing

@testable import ManaLedger

/// An id with the hash of another one whose record is not in memory.
@Suite struct MatchTests {
  /// Records in two segments, of which the first leaves memory, and what is at hand of it then.
  final class Records {
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 << Records.segmentShift, alignment: 64)
    private let bases = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: 2)
    private let item = UnsafeMutableRawPointer.allocate(byteCount: RecordSpace.itemBytes, alignment: 8)
    private var absent: AbsentRecords!
    static let segmentShift = 12
    /// Of a record, as the disk gives it; nil while it has not been read.
    var itemAtHand: [UInt8]?
    var isRecordAtHand = false

    init() {
      bases.initialize(to: UnsafeRawPointer(memory))
      (bases + 1).initialize(to: UnsafeRawPointer(memory + 1 << Self.segmentShift))
      absent = AbsentRecords(
        find: { [unowned self] position in isRecordAtHand ? UnsafeRawPointer(memory + Int(position) * 32) : nil },
        findItem: { [unowned self] _ in
          guard let itemAtHand else { return nil }
          item.copyMemory(from: itemAtHand, byteCount: itemAtHand.count)
          return UnsafeRawPointer(item)
        })
    }

    deinit {
      memory.deallocate()
      bases.deallocate()
      item.deallocate()
    }

    var space: RecordSpace { RecordSpace(bases: bases, segmentShift: Self.segmentShift, absent: absent) }

    /// The item of a record as it was written.
    func item(at position: UInt64) -> [UInt8] {
      Array(UnsafeRawBufferPointer(start: memory + Int(position) * 32, count: RecordSpace.itemBytes))
    }

    func writer(segment: Int) -> RecordWriter {
      let address = segment << Self.segmentShift + 64
      return RecordWriter(cursor: memory + address, position: UInt64(address / 32))
    }

    func takeAway() { bases[0] = nil }

    /// What was written to a segment.
    func block(segment: Int, upTo writer: RecordWriter) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: memory + segment << Self.segmentShift + 64, count: writer.bytes)
    }
  }

  /// A ledger in which account 1 has an entry that concerns id 7 and is not in memory, and another id with its hash.
  struct World: ~Copyable {
    let records = Records()
    var ledger: Ledger
    var other: UInt128 = 8
    var writer: RecordWriter
    /// Of the entry's record.
    let place: UInt64

    init(_ entry: Entry = .purchase(7, 1, 100)) {
      var writer = records.writer(segment: 0)
      var ledger = Ledger(records: records.space, tableSeed: 3, hashBits: 0x1F_0000_00FF)
      #expect(Self.post(.purchase(1, 1, 100), to: &ledger, &writer).status == .ok)
      place = writer.position
      #expect(Self.post(entry, to: &ledger, &writer).status == .ok)
      self.ledger = consume ledger
      records.takeAway()
      self.writer = records.writer(segment: 1)
      while hash(other) != hash(7) { other += 1 }
    }

    func hash(_ id: UInt128) -> UInt64 {
      ledger.hashing.transaction(accountHash: ledger.hashing.account(1), id)
    }

    mutating func post(_ entry: Entry) -> (status: Status?, absent: AbsentRecord?) {
      Self.post(entry, to: &ledger, &writer)
    }

    fileprivate static func post(
      _ entry: Entry, to ledger: inout Ledger, _ writer: inout RecordWriter
    ) -> (status: Status?, absent: AbsentRecord?) {
      var items = [UInt8](repeating: 0, count: Item.bytes)
      var results = [UInt8](repeating: 0, count: ItemResult.fullBytes)
      let outcome = items.withUnsafeMutableBytes { items in
        entry.item.store(to: items.baseAddress!)
        return results.withUnsafeMutableBytes { results in
          ledger.post(
            ItemSource(items: items.baseAddress!, count: 1, text: nil), itemType: nil, atomic: false, now: 1_000,
            writer: &writer, results: results.baseAddress!, resultStride: ItemResult.fullBytes)
        }
      }
      guard outcome.absent == nil else { return (nil, outcome.absent) }
      return results.withUnsafeBytes {
        (ItemResult(reading: $0.baseAddress!, stride: ItemResult.fullBytes)?.status, nil)
      }
    }
  }

  @Test func theItemAloneTellsAnotherID() {
    var world = World()
    var answer = world.post(.spend(world.other, 1, 10))
    #expect(answer.absent == AbsentRecord(position: world.place, itemSuffices: true))
    world.records.itemAtHand = world.records.item(at: world.place)
    answer = world.post(.spend(world.other, 1, 10))
    #expect(answer.status == .ok && answer.absent == nil)
    // Both are found from then on.
    world.records.isRecordAtHand = true
    let replayed = world.post(.purchase(7, 1, 100))
    #expect(replayed.status == .ok && world.ledger.transactionCount == 3)
    #expect(world.post(.spend(world.other, 1, 11)).status == .idConflict)
  }

  /// Which is why the same id is never judged by it.
  @Test func theSameIDNeedsTheWholeRecord() {
    var world = World()
    world.records.itemAtHand = world.records.item(at: world.place)
    #expect(world.post(.purchase(7, 1, 100)).absent == AbsentRecord(position: world.place, itemSuffices: false))
    world.records.isRecordAtHand = true
    #expect(world.post(.purchase(7, 1, 100)).status == .ok)
    #expect(world.ledger.transactionCount == 2)
  }

  /// An item that something has changed does not have the hash that led to it: it proves nothing, whatever id it names,
  /// and the same charge is not executed again.
  @Test func aDamagedItemIsNotBelieved() {
    var tried = 0
    for bit in 0..<RecordSpace.itemBytes * 8 {
      var world = World()
      var item = world.records.item(at: world.place)
      item[bit / 8] ^= 1 << UInt8(bit % 8)
      let (id, account) = item.withUnsafeBytes { (ItemView($0.baseAddress!).id, ItemView($0.baseAddress!).account) }
      guard id != 7 || account != 1 else { continue }
      let hashing = world.ledger.hashing
      // With 13 bits that count a few altered ids have the same hash.
      guard hashing.transaction(accountHash: hashing.account(account), id) != world.hash(7) else { continue }
      tried += 1
      world.records.itemAtHand = item
      #expect(
        world.post(.purchase(7, 1, 100)).absent == AbsentRecord(position: world.place, itemSuffices: false),
        "bit \(bit)")
      #expect(world.ledger.transactionCount == 2)
    }
    #expect(tried > 200)
  }

  /// A refund that is executed again needs its spend's record; without it the replay ends, and says which.
  @Test func aReplaySaysWhichRecordIsAbsent() throws {
    let records = Records()
    var ledger = Ledger(records: records.space, tableSeed: 3)
    var writers = [records.writer(segment: 0), records.writer(segment: 1)]
    #expect(World.post(.purchase(1, 1, 100), to: &ledger, &writers[0]).status == .ok)
    let spend = writers[0].position
    #expect(World.post(.spend(7, 1, 10), to: &ledger, &writers[0]).status == .ok)
    #expect(World.post(.refund(8, 1, of: 7, nil), to: &ledger, &writers[1]).status == .ok)
    var fresh = Ledger(records: records.space, tableSeed: 4)
    try fresh.replay(block: records.block(segment: 0, upTo: writers[0]), firstPosition: 2, recordCount: 2)
    records.takeAway()
    #expect(throws: ReplayError(position: spend, problem: .recordAbsent)) {
      try fresh.replay(
        block: records.block(segment: 1, upTo: writers[1]),
        firstPosition: writers[1].position - UInt64(writers[1].bytes / 32), recordCount: 1)
    }
  }

  /// A tombstone names the id of a spend that is void, and is found by it.
  @Test func aVoidIDNeedsTheWholeRecordToo() {
    var world = World(.refund(6, 1, of: 7, nil, void: true))
    #expect(world.post(.spend(7, 1, 10)).absent == AbsentRecord(position: world.place, itemSuffices: true))
    world.records.itemAtHand = world.records.item(at: world.place)
    #expect(world.post(.spend(7, 1, 10)).absent == AbsentRecord(position: world.place, itemSuffices: false))
    world.records.isRecordAtHand = true
    #expect(world.post(.spend(7, 1, 10)).status == .voided)
    world.records.isRecordAtHand = false
    #expect(world.post(.spend(world.other, 1, 10)).status == .ok)
  }
}
