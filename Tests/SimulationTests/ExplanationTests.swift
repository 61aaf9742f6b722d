import ManaProtocol
import ManaTesting
import Testing

/// Answers that are right although they look wrong, and the wrong ones beside them.
@Suite struct ExplanationTests {
  private static let account = ScriptedRecord.account

  /// A settlement of nothing used and a refund of the whole spend came with the same id and leave the same transaction.
  /// Nobody was told which it was, until it was repeated.
  @Test(arguments: [false, true]) func aRefundIsToldFromASettlement(settles: Bool) throws {
    let refund = ItemDraft.refund(4, Self.account, of: 3, 10)
    let settlement = ItemDraft.settlement(4, Self.account, of: 3, used: 0)
    for firstIsLost in [false, true] {
      var script = ScriptedRecord()
      script.post(.purchase(2, Self.account, 100), .spend(3, Self.account, 10, timeout: 20_000))
      if firstIsLost { script.lose(settles ? refund : settlement) }
      script.post(settles ? settlement : refund, answered: false)
      if !firstIsLost { script.lose(settles ? refund : settlement) }
      script.list(HistoryQuery(account: Self.account, limit: 10))
      script.post(settles ? settlement : refund)
      script.post(settles ? refund : settlement)
      try script.check()
    }
  }

  /// The same without a word about the id: the state of the spend says which it was.
  @Test(arguments: [false, true]) func theStateOfTheSpendTells(settles: Bool) throws {
    let both = [
      ItemDraft.settlement(4, Self.account, of: 3, used: 0), ItemDraft.refund(4, Self.account, of: 3, 10),
    ]
    for settlementIsFirst in [false, true] {
      var script = ScriptedRecord()
      script.post(.purchase(2, Self.account, 100), .spend(3, Self.account, 10, timeout: 20_000))
      for draft in settlementIsFirst ? both : both.reversed() {
        if draft == both[settles ? 0 : 1] { script.post(draft, answered: false) } else { script.lose(draft) }
      }
      script.list(HistoryQuery(account: Self.account, limit: 10))
      try script.check()
    }
  }

  /// A filter that finds little, over records that are not in memory: the page ends early, and its cursor goes on.
  @Test func aPageMayEndBeforeItsLimit() throws {
    var script = Self.longHistory()
    script.list(Self.purchases)
    let body = script.requests.last!.answers[0].body
    let page = try #require(ReadAnswer.page(in: body))
    #expect(page.more && page.transactions.isEmpty && page.next > 2, "it does not end early")
    try script.check()
  }

  @Test(
    arguments: [
      // Offset in the page's prelude, and what is planted there: a cursor behind what it should lead to, one without an
      // end, a page that has examined too little to end.
      (16, 1), (16, 0), (40, 3),
    ] as [(Int, UInt64)]) func aPageThatLeavesSomethingOutIsFound(offset: Int, value: UInt64)
  {
    var script = Self.longHistory()
    script.list(Self.purchases)
    script.requests.last!.answers[0].body.withUnsafeMutableBytes {
      $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
    #expect(throws: HistoryFinding.self) { try script.check() }
  }

  private static var purchases: HistoryQuery {
    var query = HistoryQuery(account: account, limit: 10)
    query.types = 1 << UInt32(TransactionType.purchase.rawValue)
    return query
  }

  /// A bonus, a purchase, and then so many bonuses that a page of purchases cannot reach it.
  private static func longHistory() -> ScriptedRecord {
    var script = ScriptedRecord(residentSegmentsMax: 1)
    script.post(.bonus(2, account, 5), .purchase(3, account, 5))
    for batch in 0..<3 as Range<UInt128> { script.post((0..<600).map { .bonus(10 + batch * 600 + $0, account, 1) }) }
    return script
  }
}
