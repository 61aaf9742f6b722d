import ManaProtocol
import Testing

@testable import ManaLedger

/// A transaction of a reply as a value.
struct Transaction: Equatable {
  var item: Item
  var balanceAfter: Int64
  var timestamp: UInt64
  var refunded: UInt64
  var settlement: SettlementState?
  var sequence: UInt32
  var reference: String
  var note: String

  init(_ view: TransactionView, _ text: UnsafeRawBufferPointer.SubSequence) {
    item = Item(reading: view.base)
    balanceAfter = view.balanceAfter
    timestamp = view.timestamp
    refunded = view.refunded
    settlement = view.settlement
    sequence = view.sequence
    reference = String(decoding: text.prefix(view.item.referenceBytes), as: UTF8.self)
    note = String(decoding: text.dropFirst(view.item.referenceBytes), as: UTF8.self)
  }
}

struct TransactionPage: Equatable {
  var prelude: HistoryReplyPrelude
  var transactions: [Transaction]

  init(_ body: UnsafeRawBufferPointer) throws {
    let view = try HistoryReplyView(reading: body)
    prelude = view.prelude
    transactions = []
    var text = view.text[...]
    for index in 0..<view.prelude.count {
      let transaction = view[index]
      transactions.append(Transaction(transaction, text.prefix(transaction.item.textBytes)))
      text = text.dropFirst(transaction.item.textBytes)
    }
  }
}

extension Bench {
  static let replyBytes = 1 << 20

  mutating func page(
    _ query: HistoryQuery, reference: String = "", capacity: Int = Bench.replyBytes
  ) -> TransactionPage {
    Self.page(&ledger, query, reference: reference, capacity: capacity)
  }

  static func page(
    _ ledger: inout Ledger, _ query: HistoryQuery, reference: String = "", capacity: Int = Bench.replyBytes
  ) -> TransactionPage {
    withReply(capacity) { base in
      let outcome = Array(reference.utf8).withUnsafeBytes { reference in
        Ledger.atHand { () throws(AbsentRecord) in
          try ledger.list(query, reference: reference, into: base, capacity: capacity)
        }
      }
      #expect(outcome.status == .ok && outcome.bytes <= capacity)
      return outcome.bytes
    }
  }

  mutating func unsettled(start: UInt64, limit: Int) -> TransactionPage {
    Self.withReply(Self.replyBytes) { base in
      Ledger.atHand { () throws(AbsentRecord) in
        try ledger.listUnsettled(account: 1, start: start, limit: limit, into: base, capacity: Self.replyBytes).bytes
      }
    }
  }

  private static func withReply(
    _ capacity: Int, _ body: (UnsafeMutableRawPointer) -> Int
  ) -> TransactionPage {
    let base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    base.initializeMemory(as: UInt8.self, repeating: 0xEE, count: capacity)
    defer { base.deallocate() }
    let bytes = body(base)
    do { return try TransactionPage(UnsafeRawBufferPointer(start: base, count: bytes)) } catch {
      preconditionFailure("the reply cannot be read: \(error)")
    }
  }

  func lookup(_ account: UInt128, _ id: UInt128) -> Transaction? { Self.lookup(ledger, account, id) }

  static func lookup(_ ledger: borrowing Ledger, _ account: UInt128, _ id: UInt128) -> Transaction? {
    let base = UnsafeMutableRawPointer.allocate(byteCount: 616, alignment: 8)
    base.initializeMemory(as: UInt8.self, repeating: 0xEE, count: 616)
    defer { base.deallocate() }
    do {
      let outcome = try ledger.lookup(account: account, id: id, into: base, capacity: 616)
      guard outcome.status == .ok else { return nil }
      let view = try LookupReplyView(reading: UnsafeRawBufferPointer(start: base, count: outcome.bytes))
      return Transaction(view.transaction, view.text[...])
    } catch { preconditionFailure("the reply cannot be read: \(error)") }
  }

  /// Replays the journal into a fresh ledger and expects the same state and answers.
  mutating func checkReplay(sourceLocation: SourceLocation = #_sourceLocation) throws {
    var fresh = try replayed()
    fresh.checkInvariants()
    let isSame =
      fresh.digest == ledger.digest && fresh.transactionCount == ledger.transactionCount
      && fresh.accountCount == ledger.accountCount && fresh.lastTimestamp == ledger.lastTimestamp
      && fresh.unsettledCount == ledger.unsettledCount
    #expect(isSame, "counters and digest", sourceLocation: sourceLocation)
    for account in 1...20 as ClosedRange<UInt128> {
      let overviews = (fresh.overview(of: account), ledger.overview(of: account))
      #expect(overviews.0 == overviews.1, sourceLocation: sourceLocation)
      guard overviews.0 != nil else { continue }
      let query = HistoryQuery(account: account, limit: 1_000)
      let pages = (Self.page(&fresh, query), Self.page(&ledger, query))
      #expect(pages.0 == pages.1, sourceLocation: sourceLocation)
    }
  }
}
