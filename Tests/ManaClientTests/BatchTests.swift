import ManaProtocol
import NIOCore
import Testing

@testable import ManaClient

/// An item that is refused, and what its refusal names.
struct Unacceptable: Sendable {
  typealias Add = @Sendable (inout Batch) throws -> TransactionID

  let named: String
  let add: Add

  init(_ named: String, _ add: @escaping Add) {
    self.named = named
    self.add = add
  }
}

@Suite("Batches") struct BatchTests {
  @Test("Items are encoded as the specification has them")
  func encoding() throws {
    var batch = Batch()
    try batch.purchase(42, 1_000, id: 1, reference: "pi_3N", note: "$40 Creator Pack")
    try batch.spend(42, Mana("1.5")!, for: .combination, quantity: 1_000, id: 2, settleWithin: .milliseconds(1_500))
    try batch.refund(42, of: 2, id: 3, voidIfUnknown: true, note: "é")
    try batch.refund(42, of: 2, amount: Mana("0.5")!, id: 4)
    try batch.settle(42, 2, as: .succeeded, id: 5)
    try batch.settle(42, 2, as: .succeededUsing(1), id: 6)
    try batch.settle(42, 2, as: .failed, id: 7, note: "why")
    try batch.bonus(43, 10, id: 8)
    let count = batch.count
    #expect(count == 8)
    let body = batch.chunks[0].body(atomic: true)
    let expected: [Item] = [
      Item(
        id: 1, account: 42, amount: 1_000_000_000, type: .purchase, operation: .purchase, referenceBytes: 5,
        noteBytes: 16),
      Item(
        id: 2, account: 42, related: 1_500, amount: 1_500_000, quantity: 1_000, type: .spend, flags: .unsettled,
        operation: .combination),
      Item(
        id: 3, account: 42, related: 2, amount: 0, type: .refund, flags: [.remaining, .voidIfUnknown],
        operation: .refund, noteBytes: 2),
      Item(id: 4, account: 42, related: 2, amount: 500_000, type: .refund, operation: .refund),
      Item(id: 5, account: 42, related: 2, amount: 0, type: .settlement, flags: .remaining, operation: nil),
      Item(id: 6, account: 42, related: 2, amount: 1_000_000, type: .settlement, operation: nil),
      Item(id: 7, account: 42, related: 2, amount: 0, type: .settlement, operation: nil, noteBytes: 3),
      Item(id: 8, account: 43, amount: 10_000_000, type: .bonus, operation: .bonus),
    ]
    try body.withUnsafeReadableBytes { bytes in
      let view = try BatchView(reading: bytes)
      #expect(view.flags == [.atomic, .fullResults])
      #expect((0..<view.count).map { Item(reading: view[$0].base) } == expected)
      #expect(String(decoding: view.text, as: UTF8.self) == "pi_3N$40 Creator Packéwhy")
    }
  }

  @Test("A batch without texts is sent from where it was encoded")
  func inPlace() throws {
    var batch = Batch(capacity: 100)
    for _ in 0..<100 { try batch.spend(42, 1, for: .export) }
    let chunk = batch.chunks[0]
    let encoded = chunk.items.withUnsafeReadableBytes { $0.baseAddress }
    let sent = chunk.body(atomic: false).withUnsafeReadableBytes { $0.baseAddress }
    #expect(encoded == sent)
  }

  @Test(
    "What no ledger could accept is refused before it is sent",
    arguments: [
      Unacceptable("above zero, not 0.0") { try $0.spend(42, 0, for: .export) },
      Unacceptable("above zero, not -1.0") { try $0.bonus(42, -1) },
      Unacceptable("zero is no account") { try $0.spend(0, 1, for: .export) },
      Unacceptable("zero is no account") { try $0.purchase(0, 1) },
      Unacceptable("zero is no transaction id") { try $0.purchase(1, 1, id: 0) },
      Unacceptable("purchase is no operation") { try $0.spend(1, 1, for: .purchase) },
      Unacceptable("quantity") { try $0.bonus(1, 1, quantity: -1) },
      Unacceptable("quantity") { try $0.bonus(1, 1, quantity: 1 << 32) },
      Unacceptable("note has at most") { try $0.bonus(1, 1, note: String(repeating: "é", count: 128)) },
      Unacceptable("reference has at most") { try $0.bonus(1, 1, reference: String(repeating: "x", count: 256)) },
      Unacceptable("names its spend") { try $0.refund(1, of: 0) },
      Unacceptable("names its spend") { try $0.settle(1, 0, as: .failed) },
      Unacceptable("above zero") { try $0.settle(1, 2, as: .succeededUsing(0)) },
      Unacceptable("settlement timeout") { try $0.spend(1, 1, for: .export, settleWithin: .milliseconds(999)) },
      Unacceptable("settlement timeout") { try $0.spend(1, 1, for: .export, settleWithin: .seconds(2_592_001)) },
      Unacceptable("settlement timeout") { try $0.spend(1, 1, for: .export, settleWithin: .seconds(Int64.max)) },
      Unacceptable("settlement timeout") { try $0.spend(1, 1, for: .export, settleWithin: .seconds(-5)) },
    ])
  func refused(item: Unacceptable) throws {
    var batch = Batch()
    do {
      _ = try item.add(&batch)
      Issue.record("accepted")
    } catch let error as ManaError {
      #expect(error.code == .invalidArgument && error.execution == .notExecuted)
      #expect(error.message.contains(item.named), "\(error)")
    }
    let count = batch.count
    #expect(count == 0)
  }

  @Test("A batch beyond a frame is cut where a request is full, and no item is lost, doubled or moved")
  func splitting() throws {
    var generator = SeededGenerator.fresh()
    var batch = Batch()
    var expected: [(id: UInt128, text: String)] = []
    for number in 1...9_000 {
      let note = String(repeating: "n", count: Int.random(in: 0...255, using: &generator))
      try batch.bonus(42, 1, id: TransactionID(UInt128(number)), reference: String(number), note: note)
      expected.append((UInt128(number), String(number) + note))
    }
    let limits = [(Limits.itemsMax, Limits.frameBytesMax), (100, Limits.frameBytesMax), (8_000, 65_536)]
    for (itemsMax, frameBytesMax) in limits {
      var found: [(id: UInt128, text: String)] = []
      for chunk in batch.chunks.flatMap({ $0.split(itemsMax: itemsMax, frameBytesMax: frameBytesMax) }) {
        let body = chunk.body(atomic: false)
        #expect(chunk.count <= itemsMax && body.readableBytes + FrameHeader.bytes <= frameBytesMax)
        try body.withUnsafeReadableBytes { bytes in
          let view = try BatchView(reading: bytes)
          var text = view.text[...]
          for index in 0..<view.count {
            let own = text.prefix(view[index].textBytes)
            found.append((view[index].id, String(decoding: own, as: UTF8.self)))
            text = text.dropFirst(own.count)
          }
        }
      }
      #expect(found.elementsEqual(expected, by: ==), "seed \(generator.seed)")
    }
  }

  @Test("Results are looked up across the requests that a batch was split into")
  func results() throws {
    var batch = Batch()
    for number in 1...10 { try batch.spend(42, 1, for: .export, id: TransactionID(UInt128(number))) }
    var results = BatchResults()
    for chunk in batch.chunks[0].split(itemsMax: 4, frameBytesMax: Limits.frameBytesMax) {
      let items = (0..<chunk.count).map { index in
        let number = UInt32(chunk.item(at: index).id)
        return number % 3 == 0
          ? ItemResult(status: .insufficientBalance, balance: 500_000)
          : ItemResult(status: .ok, replayed: number % 3 == 1, sequence: number, amount: 1_000_000, balance: 7)
      }
      try results.append(chunk, reply: ByteBuffer(bytes: Frames.results(items)))
    }
    #expect(results.count == 10 && results.postedCount == 3 && results.replayedCount == 4 && results.refusedCount == 3)
    for (index, result) in results.enumerated() {
      switch result {
      case .success(let receipt):
        #expect(receipt.sequence == UInt32(index + 1) && receipt.id.number == UInt128(index + 1))
        #expect(receipt.replayed == ((index + 1) % 3 == 1) && receipt.balanceAfter.micromana == 7)
      case .failure(let refusal):
        #expect((index + 1) % 3 == 0 && refusal.transactionID.number == UInt128(index + 1))
        #expect(
          refusal.description
            == "insufficientBalance: the balance of account 42 is 0.5 Mana, the spend takes 1.0")
      }
    }
  }

  @Test("A batch is filled again where it was, and the results of its first use stay what they were")
  func reuse() throws {
    var batch = Batch(capacity: 4)
    try batch.bonus(42, 1, id: 1, reference: "one")
    let before = batch.chunks[0].items.withUnsafeReadableBytes { $0.baseAddress }
    batch.removeAll()
    let wasEmptied = batch.isEmpty
    try batch.spend(42, 2, for: .export, id: 2)
    let after = batch.chunks[0].items.withUnsafeReadableBytes { $0.baseAddress }
    #expect(wasEmptied && before == after)
    #expect(
      batch.chunks[0].body(atomic: false)
        == BatchChunk(
          try .spend(
            42, 2, for: .export, quantity: 0, id: 2, settleWithin: nil, reference: nil, note: nil)
        ).body(atomic: false))

    var results = BatchResults()
    let result = ItemResult(status: .ok, sequence: 9, amount: 2_000_000, balance: 7)
    try results.append(batch.chunks[0], reply: ByteBuffer(bytes: Frames.results([result])))
    batch.removeAll()
    try batch.spend(43, 3, for: .export, id: 3)
    #expect(try results[0].get().id == 2 && batch.chunks[0].item(at: 0).id == 3)
  }

  @Test("A reply that does not fit its request is not believed")
  func mismatches() throws {
    var batch = Batch()
    for _ in 0..<2 { try batch.spend(42, 1, for: .export) }
    let chunk = batch.chunks[0]
    let good = ItemResult(status: .ok, sequence: 1, amount: 1, balance: 1)
    var wrongCounts = Frames.results([good, good])
    wrongCounts[8] = 1
    var unknownStatus = Frames.results([good, good])
    unknownStatus[16] = 99
    for reply in [Frames.results([good]), Frames.results([good, good, good]), wrongCounts, unknownStatus, []] {
      var results = BatchResults()
      #expect(throws: ProtocolError.self) { try results.append(chunk, reply: ByteBuffer(bytes: reply)) }
      #expect(results.isEmpty)
    }
  }
}
