import ArgumentParser
@testable import ManaClient
import ManaProtocol
import Testing

@testable import mana

@Suite("What programs and people read")
struct OutputTests {
  static let spend = ShownTransaction(
    id: 7, account: 42, type: .spend, operation: .imageGeneration, change: Mana("-1.5")!, balanceAfter: Mana("998.5")!,
    timestamp: Timestamp("2026-01-15T10:30:00.25Z")!, sequence: 2)

  static let refund = ShownTransaction(
    id: 8, account: 42, type: .refund, operation: .refund, change: 2, balanceAfter: 1000,
    timestamp: Timestamp("2026-01-15T10:30:00Z")!, sequence: 3, quantity: 4, related: 7, reference: "r\"1",
    note: "a\nb",
    replayed: false)

  @Test func transactionsAsJSON() {
    #expect(
      Self.spend.json.description == #"{"id":"7","account":"42","type":"spend","operation":"image_generation","#
        + #""amount":"-1.5","balanceAfter":"998.5","timestamp":"2026-01-15T10:30:00.25Z","sequence":2}"#)
    #expect(
      Self.refund.json.description == #"{"id":"8","account":"42","type":"refund","operation":"refund","#
        + #""amount":"2.0","balanceAfter":"1000.0","timestamp":"2026-01-15T10:30:00Z","sequence":3,"quantity":4,"#
        + #""relatedTransaction":"7","reference":"r\"1","note":"a\nb","replayed":false}"#)
  }

  @Test func historiesAsJSON() {
    var part = HistoryPart(transactions: [Self.spend], total: 9, nextCursor: HistoryCursor(sequence: 8))
    #expect(part.json.description == #"{"transactions":[\#(Self.spend.json)],"total":9,"nextCursor":8}"#)
    part.nextCursor = nil
    part.transactions = []
    #expect(part.json.description == #"{"transactions":[],"total":9}"#)
  }

  @Test(arguments: [
    ("plain", "\"plain\""), ("\"\\", #""\"\\""#), ("\n\r\t\u{1}\u{1F}", #""\n\r\t\u0001\u001f""#),
    ("\u{7F}\u{2028}", #""\u007f\u2028""#), ("é😀/", "\"é😀/\""),
  ])
  func jsonStrings(text: String, expected: String) { #expect(JSONValue.string(text).description == expected) }

  @Test func writesInOneLine() {
    #expect(Console.sentence(Self.spend) == "image_generation -1.5, account 42, balance 998.5, id 7")
    var replayed = Self.spend
    replayed.replayed = true
    #expect(Console.sentence(replayed).hasSuffix(", posted before"))
    var nothing = Self.refund
    nothing.timestamp = nil
    #expect(
      RefundCommand.sentence(nothing) == "spend 7 was not known and is void, account 42, balance 1000.0, id 8")
    #expect(RefundCommand.sentence(Self.refund) == Console.sentence(Self.refund))
    #expect(Console.sentence(nothing) == "nothing to post, account 42, balance 1000.0")
    #expect(
      SettleCommand.sentence(nothing) == "spend 7 settled, nothing to refund, account 42, balance 1000.0")
  }

  @Test func exports() {
    #expect(ExportCommand.line(Self.spend, as: .json) == Self.spend.json.description + "\n")
    #expect(
      ExportCommand.header(.csv)
        == "id,account,type,operation,amount,balanceAfter,timestamp,sequence,quantity,relatedTransaction,reference,note\r\n"
    )
    #expect(ExportCommand.header(.json) == nil)
    #expect(
      ExportCommand.line(Self.refund, as: .csv)
        == "8,42,refund,refund,2.0,1000.0,2026-01-15T10:30:00Z,3,4,7,\"r\"\"1\",\"a\nb\"\r\n")
  }

  @Test(arguments: [
    (["mana", "history", "42"], "mana history 42 --cursor 9"),
    (["/usr/bin/mana", "history", "42", "--cursor", "19", "--limit", "5"], "mana history 42 --limit 5 --cursor 9"),
    (
      ["mana", "history", "42", "--page=2", "--reference", "a 'b'"],
      #"mana history 42 --reference 'a '\''b'\''' --cursor 9"#
    ),
    (
      ["mana", "--server", "unix:/run/mana.sock", "history", "42"],
      "mana --server unix:/run/mana.sock history 42 --cursor 9"
    ),
  ])
  func theNextPage(arguments: [String], expected: String) {
    #expect(commandForNextPage(arguments, cursor: HistoryCursor(sequence: 9)) == expected)
  }

  @Test(arguments: [
    (1, 20, 100, false, 100 as UInt64?), (2, 20, 100, false, 80), (5, 20, 100, false, 20), (6, 20, 100, false, nil),
    (1, 20, 0, false, nil), (1, 20, 7, true, 1), (2, 20, 21, true, 21), (2, 20, 20, true, nil),
    (Int.max, 20, 100, false, nil),
  ])
  func pagesBeginAt(page: Int, limit: Int, count: Int, oldestFirst: Bool, expected: UInt64?) {
    #expect(HistoryQuery.firstSequence(page: page, limit: limit, count: count, oldestFirst: oldestFirst) == expected)
  }

  @Test(arguments: [
    (0, 0, 0, "0 of 0 lines"), (412_000, 1_000_000, 2_000, "412,000 of 1,000,000 lines, 41 %, 206,000/s, 3s left"),
    (10, 10, 1_000, "10 of 10 lines, 100 %, 10/s"), (1, 1_000, 60_000, "1 of 1,000 lines, 0 %, 0/s"),
  ])
  func progress(done: Int, total: Int, milliseconds: Int, expected: String) {
    let line = ProgressMeter.line(done: done, total: total, elapsed: .milliseconds(milliseconds), unit: "lines")
    #expect(line == expected)
  }

  @Test func refusalsAreCountedByStatusWithTheirFirstLines() {
    var summary = PostSummary()
    for line in [9, 3, 7, 8, 4, 5, 6] {
      summary.add(
        Refusal(
          transactionID: 1, account: 42, status: .insufficientBalance,
          amount: Mana(micromana: Int64(line) * Mana.scale),
          balance: 1), line: line)
    }
    summary.add(
      Refusal(transactionID: 1, account: 42, status: .accountUnknown, amount: 1, balance: .zero), line: 2)
    #expect(summary.refused == 8)
    #expect(summary.refusals.map(\.status) == [.accountUnknown, .insufficientBalance])
    #expect(summary.refusals[1].refused.lines == [3, 4, 5, 6, 7])
    #expect(summary.refusalTexts[0].hasPrefix("refused 1, line 2: accountUnknown: "))
    #expect(summary.refusalTexts[1].hasPrefix("refused 7, lines 3, 4, 5, 6, 7, …: insufficientBalance: "))
    #expect(summary.refusalTexts[1].contains("the spend takes 3.0"))
    #expect(
      summary.json.description.hasPrefix(
        #"{"posted":0,"replayed":0,"refused":8,"refusals":[{"status":"accountUnknown","count":1,"firstLines":[2],"#))
  }
}
