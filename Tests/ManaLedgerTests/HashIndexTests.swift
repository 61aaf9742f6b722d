import Testing

@testable import ManaLedger

@Suite struct HashIndexTests {
  private static func hash(_ number: UInt64) -> UInt64 {
    var numbers = SeededNumbers(seed: number)
    return numbers.next()
  }

  /// The expectation macro cannot look into a value that cannot be copied.
  private func find(_ index: borrowing HashIndex, _ hash: UInt64, _ matches: (UInt64) -> Bool) -> UInt64 {
    index.find(hash, matches)
  }

  /// Sizes at which it is small, doubling, just split, and many sub-tables deep.
  @Test(arguments: [0, 1, 8, 600, 1_000, 40_000, 52_000, 60_000, 300_000])
  func findsWhatWasInserted(count: Int) {
    var index = HashIndex()
    for number in 0..<UInt64(count) { index.insert(Self.hash(number), payload: number + 1) }
    index.checkInvariants()
    #expect(index.count == count)
    for number in 0..<UInt64(count) {
      let found = index.find(Self.hash(number)) { $0 == number + 1 }
      #expect(found == number + 1)
    }
    for number in UInt64(count)..<UInt64(count) + 1_000 {
      #expect(find(index, Self.hash(number)) { $0 == number + 1 } == 0)
    }
  }

  @Test func growsInTheWayThatIsDescribed() {
    var index = HashIndex()
    #expect(index.bucketBits == 7 && index.depth == 0)
    for number in 0..<UInt64(300_000) { index.insert(Self.hash(number), payload: number + 1) }
    #expect(index.bucketBits == HashIndex.bucketBitsMax)
    #expect(index.subTableCount >= 300_000 * 10 / 8 / 65_536 && index.depth >= 3)
    let limits = Set((0..<index.subTableCount).map { index.subTables[$0].limit })
    #expect(limits.count > index.subTableCount / 2, "sub-tables must not all be due at once")
  }

  /// Memory an entry, while two sub-tables become eight: where the last of them has just been split it is the most. It was
  /// 30 bytes while the first bucket without room nearby split its sub-table.
  @Test func slotsTakeAtMostTwentyThreeBytesAnEntry() {
    var index = HashIndex()
    var (most, size) = (0.0, 0)
    for number in 0..<UInt64(250_000) {
      index.insert(Self.hash(number), payload: number + 1)
      if index.count < 60_000 { continue }
      let bytes = Double(index.subTableCount * HashIndex.bucketBytes << index.bucketBits) / Double(index.count)
      if bytes > most { (most, size) = (bytes, index.count) }
    }
    #expect(most < 23, "\(most) bytes an entry with \(size)")
  }

  /// Homes that lie close together: buckets are full, and entries are displaced as far as they may be. Any entry is
  /// removed, not only the newest. A dictionary says what is there.
  @Test(arguments: [(0, 20), (1, 40), (2, 300), (3, 1_000)] as [(UInt64, UInt64)])
  func displacedEntriesComeAndGo(seed: UInt64, homes: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    var index = HashIndex()
    // The largest payload makes it grow to full width first.
    index.insert(Self.hash(seed), payload: HashIndex.payloadMax)
    var entries: [(hash: UInt64, payload: UInt64)] = [(Self.hash(seed), HashIndex.payloadMax)]
    for step in 1...UInt64(30_000) {
      if numbers.below(3) == 0, !entries.isEmpty {
        entries.swapAt(Int(numbers.below(UInt64(entries.count))), entries.count - 1)
        let gone = entries.removeLast()
        index.remove(gone.hash, payload: gone.payload)
      } else {
        // Around the last bucket, so that what is displaced comes to lie in the first ones.
        let bucket = (8_192 - homes / 2 + numbers.below(homes)) & 8_191
        let hash = numbers.next() << 13 | bucket
        index.insert(hash, payload: step)
        entries.append((hash, step))
      }
      if step % 10_000 == 0 { index.checkInvariants() }
    }
    #expect(index.count == entries.count, "seed \(seed)")
    for (hash, payload) in entries {
      let found = index.find(hash) { $0 == payload }
      #expect(found == payload, "seed \(seed)")
    }
  }

  /// Random insertions and removals of the newest against a dictionary of lists; hashes repeat on purpose.
  @Test(arguments: 0..<12 as Range<UInt64>)
  func agreesWithADictionary(seed: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    var index = HashIndex()
    var model: [UInt64: [UInt64]] = [:]
    var order: [(hash: UInt64, payload: UInt64)] = []
    let hashes = 1 + numbers.below(200_000)
    for step in 0..<UInt64(90_000) {
      if numbers.below(8) == 0 {
        for _ in 0..<min(UInt64(order.count), numbers.below(40)) {
          let last = order.removeLast()
          index.remove(last.hash, payload: last.payload)
          model[last.hash]?.removeLast()
        }
      } else {
        let hash = Self.hash(numbers.below(hashes))
        // A bucket's reach is 32 entries: equal hashes beyond that cannot be told apart by splitting.
        if model[hash, default: []].count >= 6 { continue }
        let payload = numbers.below(2) == 0 ? step + 1 : (1 << 38) - 1 - step
        index.insert(hash, payload: payload)
        model[hash, default: []].append(payload)
        order.append((hash, payload))
      }
    }
    index.checkInvariants()
    #expect(index.count == order.count, "seed \(seed)")
    for (hash, payloads) in model {
      var found: Set<UInt64> = []
      _ = index.find(hash) { payload in
        found.insert(payload)
        return false
      }
      #expect(found.isSuperset(of: payloads), "seed \(seed)")
    }
  }

  @Test func removingWhatIsNotThereIsTold() {
    var index = HashIndex()
    index.insert(99, payload: 1)
    let removed = [
      index.removeIfPresent(99, payload: 2), index.removeIfPresent(98, payload: 1),
      index.removeIfPresent(99, payload: 1),
    ]
    #expect(removed == [false, false, true])
    #expect(index.count == 0)
    #expect(find(index, 99) { _ in true } == 0)
  }

  /// The smallest and the largest payload, in the smallest table: the large one makes it grow to full width.
  @Test func widePayloadsFit() {
    var index = HashIndex()
    for number in 0..<UInt64(10) { index.insert(Self.hash(number), payload: HashIndex.payloadMax - number) }
    for number in 10..<UInt64(20) { index.insert(Self.hash(number), payload: number) }
    index.checkInvariants()
    #expect(index.bucketBits == HashIndex.bucketBitsMax)
    for number in 0..<UInt64(10) {
      #expect(find(index, Self.hash(number)) { _ in true } == HashIndex.payloadMax - number)
    }
  }

  /// Equal hashes, as many as a bucket reaches, among others.
  @Test func equalHashesAreToldApart() {
    var index = HashIndex()
    for number in 0..<UInt64(30) { index.insert(0, payload: number + 1) }
    for number in 30..<UInt64(100_000) { index.insert(Self.hash(number), payload: number + 1) }
    index.checkInvariants()
    for number in 0..<UInt64(30) { #expect(find(index, 0) { $0 == number + 1 } == number + 1) }
  }
}
