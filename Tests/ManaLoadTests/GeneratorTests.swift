import ManaProtocol
import Testing

@testable import mana_load

@Suite struct GeneratorTests {
  private func source(_ settings: LoadSettings, limit: UInt64? = nil) -> TrafficSource {
    TrafficSource(
      settings,
      generator: ItemGenerator(
        accounts: settings.accounts, distribution: settings.distribution, seed: settings.seed),
      book: nil, limit: limit, phase: "test", progress: ProgressLine(isSilent: true), startNanoseconds: 0)
  }

  /// The bodies of `count` requests, as the source makes them.
  private func bodies(_ settings: LoadSettings, count: Int) -> [(Opcode, [UInt8])] {
    var source = source(settings)
    let place = UnsafeMutableRawPointer.allocate(byteCount: source.bodyBytesMax, alignment: 8)
    defer { place.deallocate() }
    return (0..<count).compactMap { _ in
      guard let (opcode, bytes) = source.encodeNext(into: place) else { return nil }
      return (opcode, Array(UnsafeRawBufferPointer(start: place, count: bytes)))
    }
  }

  @Test(arguments: Scenario.allCases)
  func framesDecodeAndFollowFromTheSeed(_ scenario: Scenario) throws {
    var settings = LoadSettings()
    settings.scenario = scenario
    settings.batch = scenario == .combinationBatches || scenario == .mixed ? 100 : 1
    settings.accounts = 1_000
    settings.seed = 42
    let first = bodies(settings, count: 50)
    let again = bodies(settings, count: 50)
    #expect(first.map(\.0) == again.map(\.0) && first.map(\.1) == again.map(\.1))
    settings.seed = 43
    #expect(first.map(\.1) != bodies(settings, count: 50).map(\.1))

    let accounts = AccountSet(count: 1_000, seed: 42)
    for (opcode, body) in first {
      try body.withUnsafeBytes { bytes in
        guard opcode.isPosting else {
          let (query, reference) = try HistoryQuery.read(bytes)
          #expect(query.limit == settings.page && reference.isEmpty && accounts.index(of: query.account) != nil)
          return
        }
        let batch = try BatchView(reading: bytes)
        #expect(batch.count == settings.batch)
        for index in 0..<batch.count {
          #expect(accounts.index(of: batch[index].account) != nil)
          #expect(batch[index].id != 0)
          #expect(opcode.itemType.map { $0.rawValue == batch[index].type } ?? true)
        }
      }
    }
  }

  @Test func combinationsAreWhatTheyAreCalled() throws {
    var settings = LoadSettings()
    settings.batch = 8_190
    let (opcode, body) = bodies(settings, count: 1)[0]
    #expect(opcode == .spend)
    try body.withUnsafeBytes { bytes in
      let batch = try BatchView(reading: bytes)
      #expect(batch.count == 8_190)
      for index in 0..<batch.count {
        let item = batch[index]
        #expect(item.amount == 10_000 && item.operation == Operation.combination.rawValue && item.related == 0)
      }
    }
  }

  @Test func idsNeverRepeat() {
    var ids = TransactionIDs(seed: 9)
    var seen = Set<UInt128>()
    for _ in 0..<200_000 { seen.insert(ids.next()) }
    #expect(seen.count == 200_000)
    #expect(!seen.contains(0))
  }

  @Test func accountsAreFoundByTheirIds() {
    let accounts = AccountSet(count: 10_000, seed: 5)
    #expect(Set((0..<10_000).map { accounts[$0] }).count == 10_000)
    for index in [0, 1, 4_999, 9_999] { #expect(accounts.index(of: accounts[index]) == index) }
    #expect(accounts.index(of: 0) == nil)
    #expect(accounts.index(of: AccountSet(count: 10_001, seed: 5)[10_000]) == nil)
    #expect(accounts.index(of: AccountSet(count: 10_000, seed: 6)[3]) == nil)
  }

  /// With 1,000,000 draws and this seed, each share is within five standard deviations of what it should be.
  @Test func zipfPrefersTheFirstAccounts() {
    let chooser = AccountChooser(.zipf, count: 1_000)
    var random = SplitMix64(seed: 1)
    var counts = [Int](repeating: 0, count: 1_000)
    for _ in 0..<1_000_000 { counts[chooser.draw(&random)] += 1 }
    let harmonic = (1...1_000).reduce(0.0) { $0 + 1 / Double($1) }
    for rank in [1, 2, 10, 100, 1_000] {
      let expected = 1_000_000 / Double(rank) / harmonic
      #expect((Double(counts[rank - 1]) - expected).magnitude < 5 * expected.squareRoot(), "rank \(rank), seed 1")
    }
  }

  @Test(arguments: [1, 2, 3, 10_000])
  func everyAccountCanBeDrawn(_ count: Int) {
    for distribution in Distribution.allCases {
      let chooser = AccountChooser(distribution, count: count)
      var random = SplitMix64(seed: 3)
      var seen = Set<Int>()
      for _ in 0..<count * 300 { seen.insert(chooser.draw(&random)) }
      #expect(seen == Set(0..<count) || (distribution == .zipf && count == 10_000), "\(distribution), seed 3")
      #expect(seen.allSatisfy { (0..<count).contains($0) })
    }
  }

  /// 100,000 requests, seed 11: each share is within five standard deviations of its hundredths.
  @Test func mixedHasItsProportions() throws {
    var generator = ItemGenerator(accounts: 100, distribution: .uniform, seed: 11)
    var counts: [String: Int] = [:]
    for _ in 0..<100_000 {
      guard !generator.listsNext() else {
        counts["list", default: 0] += 1
        continue
      }
      let item = generator.mixed()
      let type = try #require(TransactionType(rawValue: item.type))
      counts[type.name, default: 0] += 1
      if type == .spend {
        let index = try #require(generator.accounts.index(of: item.account))
        generator.refundable.push(SpendRing.Spend(id: item.id, account: index))
      }
    }
    for (name, share) in [("spend", 0.7), ("refund", 0.1), ("purchase", 0.05), ("bonus", 0.05), ("list", 0.1)] {
      let bound = 5 * (100_000 * share * (1 - share)).squareRoot()
      #expect((Double(counts[name] ?? 0) - 100_000 * share).magnitude < bound, "\(name): \(counts), seed 11")
    }
  }

  @Test func refundsNameASpendOfTheirAccountOnce() {
    var generator = ItemGenerator(accounts: 10, distribution: .uniform, seed: 2)
    var spends: [UInt128: UInt128] = [:]
    for _ in 0..<20_000 {
      let item = generator.mixed()
      if item.type == TransactionType.spend.rawValue {
        spends[item.id] = item.account
        generator.refundable.push(
          SpendRing.Spend(id: item.id, account: generator.accounts.index(of: item.account) ?? -1))
      } else if item.type == TransactionType.refund.rawValue {
        #expect(spends.removeValue(forKey: item.related) == item.account, "seed 2")
      }
    }
  }

  @Test func aFullRingForgetsItsOldest() {
    var ring = SpendRing(capacity: 3)
    #expect(ring.popOldest() == nil)
    for number in 1...5 { ring.push(SpendRing.Spend(id: UInt128(number), account: number)) }
    #expect((0..<4).map { _ in ring.popOldest()?.account } == [3, 4, 5, nil])
  }

  @Test func aLimitIsKeptToTheTransaction() {
    var settings = LoadSettings()
    settings.batch = 40
    var source = source(settings, limit: 100)
    let place = UnsafeMutableRawPointer.allocate(byteCount: source.bodyBytesMax, alignment: 8)
    defer { place.deallocate() }
    var sizes: [Int] = []
    while let (_, bytes) = source.encodeNext(into: place) { sizes.append((bytes - 32) / 64) }
    #expect(sizes == [40, 40, 20])
  }
}
