import ManaProtocol
import ManaTesting
import Testing

/// What is encoded is what is decoded, for random values of everything.
@Suite struct RoundTripTests {
  private func decode<Value>(
    _ bytes: [UInt8], _ read: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value {
    let guarded = GuardedBytes(bytes)
    return try read(guarded.bytes)
  }

  private func text(_ random: inout SplitMix64, max: Int = 60) -> String {
    String((0..<Int.random(in: 0...max, using: &random)).map { _ in "aß€🟦 _7".randomElement(using: &random)! })
  }

  @Test(arguments: 0..<50) func hello(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var hello = Hello(ledger: random.identifier(), instance: random.identifier(), clientName: text(&random))
    hello.versionMin = UInt8.random(in: 0...1, using: &random)
    hello.versionMax = UInt8.random(in: 1...9, using: &random)
    hello.features = random.next()
    hello.frameBytesMax = Int.random(in: Limits.clientFrameBytesMin...Limits.frameBytesMax, using: &random)
    for kind in [HandshakeExtension.token, 77] {
      let value = (0..<Int.random(in: 0...30, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      hello.extensions.append(HandshakeExtension(kind: kind, value: value))
    }
    #expect(try decode(hello.encoded) { try Hello(reading: $0) } == hello, "seed \(seed)")
    #expect(hello.encoded.count % 8 == 0)
  }

  @Test(arguments: 0..<50) func welcome(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var welcome = Welcome(
      shardCount: Int.random(in: 1...256, using: &random), ledger: random.identifier(), instance: random.identifier(),
      shardHashSeed: random.next(), time: random.next(), serverName: text(&random))
    welcome.features = random.next()
    welcome.itemsMax = Int.random(in: 1...10_000, using: &random)
    welcome.pageMax = Int.random(in: 1...10_000, using: &random)
    #expect(try decode(welcome.encoded) { try Welcome(reading: $0) } == welcome, "seed \(seed)")
  }

  @Test(arguments: 0..<50) func batches(_ seed: UInt64) throws {
    var workload = Workload(seed: seed)
    for _ in 0..<10 {
      let batch = workload.nextBatch()
      let decoded = try decode(BatchBuilder(batch).body) { body in
        let view = try BatchView(reading: body)
        var offset = 0
        let drafts = (0..<view.count).map { index in
          let item = Item(reading: view[index].base)
          let reference = [UInt8](view.text[offset..<offset + Int(item.referenceBytes)])
          offset += reference.count
          let note = [UInt8](view.text[offset..<offset + Int(item.noteBytes)])
          offset += note.count
          return ItemDraft(item, reference: reference, note: note)
        }
        return ItemBatch(
          drafts, itemType: batch.itemType, atomic: view.flags.contains(.atomic),
          fullResults: view.flags.contains(.fullResults))
      }
      var expected = batch
      expected.drafts = batch.drafts.map { ItemDraft($0.itemWithLengths, reference: $0.reference, note: $0.note) }
      #expect(decoded == expected, "seed \(seed)")
    }
  }

  @Test(arguments: [ItemResult.compactBytes, ItemResult.fullBytes]) func results(_ stride: Int) throws {
    var random = SplitMix64(seed: 5)
    for status in Status.allCases {
      for field in ConflictField.allCases.map(Optional.some) + [nil] {
        var result = ItemResult(
          status: status, replayed: random.chance(1, in: 2), field: field, sequence: UInt32.random(in: 0 ... .max),
          amount: random.next(), balance: Int64.random(in: .min ... .max), timestamp: random.next(),
          refundable: random.next())
        let bytes = BodyKind.bytes(stride) { result.store(to: $0, stride: stride) }
        if stride == ItemResult.compactBytes { (result.balance, result.timestamp, result.refundable) = (0, 0, 0) }
        #expect(try decode(bytes) { ItemResult(reading: $0.baseAddress!, stride: stride) } == result)
      }
    }
  }

  @Test(arguments: [(0, 31, true), (0, 32, false), (1, 0x10, false), (2, 1, true), (2, 2, false), (2, 0x80, false)])
  func resultsOfALaterVersionAreNil(offset: Int, byte: UInt8, known: Bool) {
    let bytes = BodyKind.bytes(ItemResult.compactBytes) { $0.store(u8: byte, offset) }
    #expect((bytes.withUnsafeBytes { ItemResult(reading: $0.baseAddress!, stride: bytes.count) } != nil) == known)
  }

  @Test(arguments: 0...255) func fieldsOfALaterVersionAreNil(_ field: UInt8) {
    let bytes = BodyKind.bytes(ItemResult.compactBytes) { $0.store(u8: field, 3) }
    let result = bytes.withUnsafeBytes { ItemResult(reading: $0.baseAddress!, stride: bytes.count) }
    #expect((result != nil) == (field <= 8))
    #expect(result?.field?.rawValue ?? 0 == (field <= 8 ? field : 0))
  }

  @Test(arguments: 0..<100) func queries(_ seed: UInt64) throws {
    var workload = Workload(seed: seed)
    let question = workload.nextQuestion(total: 40)
    let reference = question.reference
    let bytes = BodyKind.bytes(paddedToWords(96 + reference.count)) { base in
      question.query.store(to: base, referenceBytes: reference.count)
      for (index, byte) in reference.enumerated() { base.store(u8: byte, 96 + index) }
    }
    let decoded = try decode(bytes) { body in
      let (query, reference) = try HistoryQuery.read(body)
      return HistoryQuestion(query: query, reference: [UInt8](reference))
    }
    #expect(decoded == question, "seed \(seed)")
  }

  @Test(arguments: ["", "a", "1234567", "12345678", "Größe 🟦"]) func errors(_ text: String) throws {
    let error = ErrorBody(detail: 0x0102_0304, text: text)
    #expect(error.encoded.count % 8 == 0)
    #expect(try decode(error.encoded) { try ErrorBody(reading: $0) } == error)
  }

  @Test func longErrorTextsAreCutAtACharacter() throws {
    let error = ErrorBody(text: "x" + String(repeating: "€", count: 400))
    let decoded = try decode(error.encoded) { try ErrorBody(reading: $0) }
    #expect(decoded.text == "x" + String(repeating: "€", count: 341))
  }

  @Test(arguments: 0..<20) func fixedBodies(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let overview = AccountOverview(
      account: random.identifier(), balance: Int64(bitPattern: random.next()), unsettled: random.next(),
      unsettledCount: random.next(), transactions: random.next(), firstTimestamp: random.next(),
      lastTimestamp: random.next(),
      operations: (0..<8).map { _ in OperationTotal(amount: random.next() >> 4, count: random.next()) })
    let bytes = BodyKind.bytes(AccountOverview.bytes) { overview.store(to: $0) }
    #expect(try decode(bytes) { try AccountOverview(reading: $0) } == overview)

    let balance = BalanceAt(
      balance: Int64(bitPattern: random.next()), sequence: random.next(), timestamp: random.next())
    #expect(try decode(BodyKind.bytes(24) { balance.store(to: $0) }) { try BalanceAt(reading: $0) } == balance)

    var status = ServerStatus()
    status.uptimeNanoseconds = random.next()
    status.accounts = random.next()
    status.transactions = random.next()
    status.postedSinceStart = random.next()
    status.blocksSinceStart = random.next()
    status.flushNanosecondsLast = random.next()
    status.residentBytes = random.next()
    status.connections = UInt32.random(in: 0 ... .max, using: &random)
    status.shardCount = UInt32.random(in: 0 ... .max, using: &random)
    #expect(try decode(BodyKind.bytes(64) { status.store(to: $0) }) { try ServerStatus(reading: $0) } == status)

    var shard = ShardStatus()
    for field in ShardStatus.fields { shard[keyPath: field.path] = random.next() }
    for bucket in 0..<LatencyHistogram.bucketCount {
      shard.requestHistogram.buckets[bucket] = random.next()
      shard.flushHistogram.buckets[bucket] = random.next()
    }
    shard.checkpointBlock = random.next()
    let shards = ShardStatusReply(uptimeNanoseconds: random.next(), shards: [shard, ShardStatus(), shard])
    #expect(try decode(shards.encoded) { try ShardStatusReply(reading: $0) } == shards)
  }
}
