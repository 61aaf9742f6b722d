import ManaProtocol
import Testing

/// The offset tables of the specification against the bytes that the codec writes: each field holds a value of its
/// own, and it must be found where the table says, in the width that the table says.
@Suite struct LayoutTableTests {
  let specification = try! Specification()

  private func check(_ bytes: [UInt8], _ fields: [Specification.Field], _ values: [String: UInt128]) {
    #expect(Set(fields.map(\.name)) == Set(values.keys))
    for field in fields {
      let width = ["u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8, "u128": 16][field.type]!
      guard field.offset + width <= bytes.count else {
        Issue.record("\(field) is beyond the \(bytes.count) bytes")
        continue
      }
      var value: UInt128 = 0
      for index in (0..<width).reversed() { value = value << 8 | UInt128(bytes[field.offset + index]) }
      #expect(value == values[field.name], "\(field)")
    }
  }

  private func bytes(_ count: Int, _ store: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: count)
    bytes.withUnsafeMutableBytes { store($0.baseAddress!) }
    return bytes
  }

  private static let wide: UInt128 = 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10
  private static let item: Item = {
    var item = Item(
      id: wide, account: wide + 1, related: wide + 2, amount: 0x1112_1314_1516_1718, quantity: 0x2122_2324,
      type: .refund, flags: .remaining, operation: .export)
    item.referenceBytes = 0x31
    item.noteBytes = 0x32
    return item
  }()
  private static let itemValues: [String: UInt128] = [
    "id": wide, "account": wide + 1, "related": wide + 2, "amount": 0x1112_1314_1516_1718, "quantity": 0x2122_2324,
    "type and flags": 0x13, "operation": 5, "referenceBytes": 0x31, "noteBytes": 0x32,
  ]

  @Test func shardStatus() {
    var shard = ShardStatus()
    var values: [String: UInt128] = [:]
    for (index, field) in ShardStatus.fields.enumerated() {
      shard[keyPath: field.path] = 0x0102_0304_0506_0000 + UInt64(index)
      values[field.name] = UInt128(shard[keyPath: field.path])
    }
    shard.checkpointBlock = 0x0102_0304_0506_FFFF
    values["checkpointBlock"] = UInt128(shard.checkpointBlock)
    let body = ShardStatusReply(uptimeNanoseconds: 1, shards: [shard]).encoded
    check(Array(body[ShardStatusReply.preludeBytes...]), specification.layout(under: "shardStatus"), values)
  }

  @Test func frameHeader() {
    var header = FrameHeader(
      opcode: 0x14, correlation: 0x0102_0304_0506_0708, flags: .retryable, status: .overloaded,
      microseconds: 0x1112_1314)
    header.headerBytes = 32
    let frame = bytes(40) { base in
      base.zero(32, count: 8)
      FrameHeader.seal(base, header, bodyBytes: 8)
    }
    let (bodyChecksum, headerChecksum) = frame.withUnsafeBytes {
      (crc32c(UnsafeRawBufferPointer(rebasing: $0[32...])), crc32c(UnsafeRawBufferPointer(rebasing: $0[..<28])))
    }
    check(
      frame, specification.layout(under: "3. Frame header"),
      [
        "length": 40, "version": 1, "headerWords": 4, "opcode": 0x14, "flags": 2, "correlation": 0x0102_0304_0506_0708,
        "status": 266, "reserved": 0, "microseconds": 0x1112_1314, "bodyChecksum": UInt128(bodyChecksum),
        "headerChecksum": UInt128(headerChecksum),
      ])
  }

  @Test func traceContext() {
    let context = TraceContext(trace: Self.wide, span: 0x1112_1314_1516_1718, flags: 0x81)
    let stored = bytes(TraceContext.bytes) { context.store(to: $0) }
    check(
      stored, specification.layout(under: "3. Frame header", number: 1),
      ["kind": 1, "valueBytes": 28, "traceFlags": 0x81, "span": 0x1112_1314_1516_1718, "trace": Self.wide])
    #expect(stored[5..<8].allSatisfy { $0 == 0 })
  }

  @Test func hello() {
    var hello = Hello(ledger: Self.wide, instance: Self.wide + 1, clientName: "abcd")
    hello.features = 0x4142_4344_4546_4748
    check(
      hello.encoded, specification.layout(under: "4. Handshake"),
      [
        "versionMin": 1, "versionMax": 1, "features": 0x4142_4344_4546_4748, "ledger": Self.wide,
        "instance": Self.wide + 1, "frameBytesMax": 1 << 20, "extensionBytes": 8,
      ])
  }

  @Test func welcome() {
    var welcome = Welcome(
      shardCount: 0x0201, ledger: Self.wide, instance: Self.wide + 1, shardHashSeed: 0x5152_5354_5556_5758,
      time: 0x6162_6364_6566_6768, serverName: "mana")
    welcome.features = 7
    check(
      welcome.encoded, specification.layout(under: "4. Handshake", number: 1),
      [
        "version": 1, "shardCount": 0x0201, "features": 7, "ledger": Self.wide, "instance": Self.wide + 1,
        "frameBytesMax": 1 << 20, "itemsMax": 8_190, "requestsInFlightMax": 1_024, "bytesInFlightMax": 8 << 20,
        "shardHashSeed": 0x5152_5354_5556_5758, "time": 0x6162_6364_6566_6768, "pageMax": 1_000, "extensionBytes": 8,
      ])
  }

  @Test func batchPrelude() {
    let prelude = bytes(32) {
      BatchView.storePrelude(to: $0, count: 0x1234, textBytes: 0x5678_9A, flags: [.atomic, .fullResults])
    }
    check(
      prelude, specification.layout(under: "5. Posting transactions"),
      ["itemStride": 64, "flags": 3, "itemCount": 0x1234, "textBytes": 0x5678_9A])
    #expect(prelude[12...].allSatisfy { $0 == 0 })
  }

  @Test func items() {
    check(
      bytes(Item.bytes) { Self.item.store(to: $0) },
      specification.layout(under: "5. Posting transactions", number: 1), Self.itemValues)
  }

  @Test func batchReply() {
    check(
      bytes(16) { BatchReplyView.storePrelude(to: $0, stride: 40, count: 0x1234, posted: 0x2345, replayed: 0x3456) },
      specification.layout(under: "5. Posting transactions", number: 2),
      ["resultStride": 40, "reserved": 0, "itemCount": 0x1234, "postedCount": 0x2345, "replayedCount": 0x3456])
  }

  @Test func results() {
    let result = ItemResult(
      status: .idConflict, replayed: true, field: .note, sequence: 0x1112_1314, amount: 0x2122_2324_2526_2728,
      balance: -2, timestamp: 0x3132_3334_3536_3738, refundable: 0x4142_4344_4546_4748)
    check(
      bytes(40) { result.store(to: $0, stride: 40) },
      specification.layout(under: "5. Posting transactions", number: 3),
      [
        "status": 15, "flags": 1, "field": 8, "sequence": 0x1112_1314, "amount": 0x2122_2324_2526_2728,
        "balance": UInt128(UInt64.max - 1), "timestamp": 0x3132_3334_3536_3738, "refundable": 0x4142_4344_4546_4748,
      ])
  }

  @Test func transactions() {
    let transaction = bytes(96) { base in
      base.store(i64: -3, 64)
      base.store(u64: 0x5152_5354_5556_5758, 72)
      TransactionView.storeReplyFields(to: base, refunded: 0x6162_6364_6566_6768, settlement: .timedOut)
      base.store(u32: 0x7172_7374, 92)
    }
    transaction.withUnsafeBytes { buffer in
      let view = TransactionView(buffer.baseAddress!)
      #expect(view.balanceAfter == -3 && view.timestamp == 0x5152_5354_5556_5758)
      #expect(view.refunded == 0x6162_6364_6566_6768 && view.settlement == .timedOut && view.sequence == 0x7172_7374)
    }
    check(
      transaction, specification.layout(under: "6. Reading"),
      [
        "balanceAfter": UInt128(UInt64.max - 2), "timestamp": 0x5152_5354_5556_5758, "refunded": 0x6162_6364_6566_6768,
        "settlement": 4, "sequence": 0x7172_7374,
      ])
    #expect(transaction[89..<92].allSatisfy { $0 == 0 })
  }

  @Test func historyQuery() {
    var query = HistoryQuery(account: Self.wide, limit: 0x0102_0304)
    query.start = 0x1112_1314_1516_1718
    query.oldestFirst = true
    query.types = 0x2122_2324
    query.operations = 0x3132_3334
    query.timeFrom = 0x4142_4344_4546_4748
    query.timeTo = 0x5152_5354_5556_5758
    query.amountMin = 0x6162_6364_6566_6768
    query.amountMax = 0x7172_7374_7576_7778
    query.related = Self.wide + 1
    check(
      bytes(96) { query.store(to: $0, referenceBytes: 0x81) },
      specification.layout(under: "listTransactions"),
      [
        "account": Self.wide, "start": 0x1112_1314_1516_1718, "limit": 0x0102_0304, "flags": 1, "types": 0x2122_2324,
        "operations": 0x3132_3334, "timeFrom": 0x4142_4344_4546_4748, "timeTo": 0x5152_5354_5556_5758,
        "amountMin": 0x6162_6364_6566_6768, "amountMax": 0x7172_7374_7576_7778, "related": Self.wide + 1,
        "referenceBytes": 0x81, "reserved": 0,
      ])
  }

  @Test func historyReply() {
    let prelude = HistoryReplyPrelude(
      count: 0x0102_0304, more: true, total: 0x1112_1314_1516_1718, next: 0x2122_2324_2526_2728, balance: -9,
      textBytes: 0x3132_3334, examined: 0x4142_4344_4546_4748)
    check(
      bytes(48) { prelude.store(to: $0) }, specification.layout(under: "listTransactions", number: 1),
      [
        "count": 0x0102_0304, "flags": 1, "total": 0x1112_1314_1516_1718, "next": 0x2122_2324_2526_2728,
        "balance": UInt128(UInt64.max - 8), "textBytes": 0x3132_3334, "stride": 96, "reserved": 0,
        "examined": 0x4142_4344_4546_4748,
      ])
  }

  @Test func account() {
    let totals = (1...8).map { OperationTotal(amount: UInt64(1) << UInt64($0 * 4), count: UInt64($0)) }
    let overview = AccountOverview(
      account: Self.wide, balance: -5, unsettled: 0x71, unsettledCount: 0x72, transactions: 0x73, firstTimestamp: 0x74,
      lastTimestamp: 0x75, operations: totals)
    let encoded = bytes(AccountOverview.bytes) { overview.store(to: $0) }
    check(
      encoded, specification.layout(under: "getAccount"),
      [
        "account": Self.wide, "balance": UInt128(UInt64.max - 4), "lifetimeSpent": 0x11_1110,
        "lifetimePurchased": 1 << 24, "lifetimeRefunded": 1 << 28, "lifetimeBonus": 1 << 32, "unsettled": 0x71,
        "transactions": 0x73, "firstTimestamp": 0x74, "lastTimestamp": 0x75, "unsettledCount": 0x72,
        "operationCount: 8": 8, "reserved": 0,
      ])
    encoded.withUnsafeBytes { buffer in
      for (index, total) in totals.enumerated() {
        #expect(buffer.baseAddress!.u64(104 + 16 * index) == total.amount)
        #expect(buffer.baseAddress!.u64(112 + 16 * index) == total.count)
      }
    }
  }
}
