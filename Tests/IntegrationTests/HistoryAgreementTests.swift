import Foundation
import ManaClient
import Testing

/// One history, read by the Swift client, the Python client and the command line: all three give the same JSON.
@Suite struct HistoryAgreementTests {
  static let account: AccountID = 42

  /// What of the history is asked for, in the words of each client.
  struct Question: CustomTestStringConvertible {
    var name: String
    var filter = HistoryFilter.all
    /// The options of `mana history`; the Python client has the same, but where `python` says otherwise.
    var options: [String] = []
    /// How many transactions of the history below it matches.
    var count: Int
    var testDescription: String { name }
  }

  /// The history: each kind of write, whatever it leaves behind. What is refused leaves nothing.
  private static func write(_ client: ManaClient, _ server: String) async throws {
    try await client.purchase(account, 500, id: 1, reference: "pi_123", note: "$40 Creator Pack")
    try await client.bonus(account, 20, id: 2, reference: "größe ☂", note: "new \"account\"")
    for number in 10..<20 as Range<UInt64> {
      try await client.spend(
        account, Mana(micromana: Int64(number) * 500_001), for: number % 2 == 0 ? .imageGeneration : .variation,
        id: TransactionID(UInt128(number)), reference: number == 13 ? "job" : nil)
    }
    try await client.spend(account, 10, for: .combination, quantity: 1_000, id: 20, note: "c")
    try await client.spend(account, 5, for: .export, quantity: 500, id: 21)
    // A part, another part, and what is left; and the same again, which is a replay.
    for (id, amount) in [(30, 4), (31, 3), (32, nil), (31, 3)] as [(UInt64, Mana?)] {
      try await client.refund(account, of: 20, amount: amount, id: TransactionID(UInt128(id)), note: "operation failed")
    }
    // Settled in each way; the first leaves nothing in the history.
    for (id, outcome) in [(40, .succeeded), (41, .succeededUsing(Mana("0.25")!)), (42, .failed)]
      as [(UInt64, SettlementOutcome)]
    {
      let spend = TransactionID(UInt128(id))
      try await client.spend(account, 1, for: .detection, id: spend, settleWithin: .seconds(3_600))
      try await client.settle(account, spend, as: outcome, id: TransactionID(UInt128(id + 10)), note: "settled")
    }
    // Still open, so that a history has one.
    try await client.spend(account, 2, for: .detection, id: 43, settleWithin: .seconds(3_600))
    // Void before it arrives, and refused when it does.
    try await client.refund(account, of: 60, id: 61, voidIfUnknown: true)
    await #expect(throws: ManaError.self) { try await client.spend(account, 1, for: .export, id: 60) }
    try await atomic(client, ids: 70..<73, amount: 1, posted: 3)
    try await atomic(client, ids: 80..<83, amount: 400, posted: 0)
    // And one by each of the programs, with an id that is a UUID.
    let uuid = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    let spent = try await Programs.mana(
      ["spend", "42", "1.5", "--operation", "detection", "--id", uuid], address: server)
    try #require(spent.status == 0, "\(spent.errors)")
    let refunded = try await python(["refund", "42", uuid, "--id", "90", "--note", "größer"], server)
    try #require(refunded.status == 0, "\(refunded.errors)")
  }

  /// A batch of spends of which all are posted or none.
  private static func atomic(_ client: ManaClient, ids: Range<UInt64>, amount: Mana, posted: Int) async throws {
    var batch = Batch()
    for id in ids { try batch.spend(account, amount, for: .variation, id: TransactionID(UInt128(id)), note: "atomic") }
    let results = try await client.post(batch, atomic: true)
    #expect(results.postedCount == posted && results.count == ids.count)
  }

  /// The questions about that history, of 28 transactions. Times are those of its transactions 5 and 15.
  private static func questions(_ from: Timestamp, _ until: Timestamp) -> [Question] {
    let (since, before) = (from.description, until.description)
    return [
      Question(name: "everything", count: 28),
      Question(name: "refunds", filter: HistoryFilter(types: [.refund]), options: ["--type", "refund"], count: 6),
      Question(
        name: "two types", filter: HistoryFilter(types: [.purchase, .bonus]),
        options: ["--type", "purchase", "--type", "bonus"], count: 2),
      Question(
        name: "two operations", filter: HistoryFilter(operations: [.detection, .export]),
        options: ["--operation", "detection", "--operation", "export"], count: 6),
      Question(
        name: "a time range", filter: HistoryFilter(from: from, until: until),
        options: ["--since", since, "--until", before], count: 10),
      Question(
        name: "amounts", filter: HistoryFilter(amountMin: 1, amountMax: 5), options: ["--min", "1", "--max", "5"],
        count: 14),
      Question(
        name: "refunds of one spend", filter: HistoryFilter(related: 20), options: ["--related", "20"], count: 3),
      Question(
        name: "a reference", filter: HistoryFilter(reference: "größe ☂"), options: ["--reference", "größe ☂"], count: 1),
      Question(
        name: "a part of a reference", filter: HistoryFilter(reference: "pi_12"), options: ["--reference", "pi_12"],
        count: 0),
      Question(
        name: "all together",
        filter: HistoryFilter(
          types: [.spend], operations: [.variation], from: from, until: until, amountMin: 5, amountMax: Mana("8.500017")
        ),
        options: [
          "--type", "spend", "--operation", "variation", "--since", since, "--until", before, "--min", "5", "--max",
          "8.500017",
        ], count: 3),
    ]
  }

  @Test func allClientsSeeTheSameHistory() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let address = try #require(ManaAddress(server.address))
    try await withManaClient(address: address) { client in
      try await Self.write(client, server.address)
      let all = try await client.page(of: Self.account, limit: 100, oldestFirst: true).transactions
      try #require(all.count == 28)
      for question in Self.questions(all[4].timestamp, all[14].timestamp) {
        // In one piece, and from page to page where there are some.
        for limit in question.count > 3 && question.filter.types.isEmpty ? [100, 9] : [100] {
          for oldestFirst in [false, true] {
            let found = try await compare(question, limit: limit, oldestFirst: oldestFirst, client, server.address)
            #expect(found == question.count, "\(question.name), pages of \(limit), oldest first: \(oldestFirst)")
          }
        }
      }
    }
  }

  /// Follows the pages to the end, each as all three clients give it. How many transactions there were.
  private func compare(
    _ question: Question, limit: Int, oldestFirst: Bool, _ client: ManaClient, _ server: String
  ) async throws -> Int {
    var (cursor, count) = (HistoryCursor?.none, 0)
    repeat {
      let page = try await client.page(
        of: Self.account, matching: question.filter, limit: limit, from: cursor, oldestFirst: oldestFirst)
      let ours = try canonical(Self.shape(page))
      let options =
        question.options + ["--limit", "\(limit)", "--json"] + (oldestFirst ? ["--oldest-first"] : [])
      let place = cursor.map { [$0.description] } ?? []
      async let typed = Programs.mana(
        ["history", "42"] + options + (place.isEmpty ? [] : ["--cursor"] + place), address: server)
      async let python = Self.python(["history", "42"] + options + (place.isEmpty ? [] : ["--start"] + place), server)
      for (name, outcome) in [("mana", try await typed), ("Python", try await python)] {
        try #require(outcome.status == 0, "\(name), \(question.name): \(outcome.errors)")
        #expect(try canonical(object(outcome.output)) == ours, "\(name), \(question.name) from \(place)")
      }
      count += page.transactions.count
      cursor = page.nextCursor
    } while cursor != nil
    return count
  }

  private static func python(_ arguments: [String], _ server: String) async throws -> Programs.Outcome {
    try await Programs.run(
      URL(filePath: "/usr/bin/env"), ["python3", "-m", "mana_ledger", "--server", server] + arguments,
      environment: [
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1",
        "PYTHONPATH": Programs.root.appending(path: "Clients/Python").path(),
      ])
  }

  /// What the two programs print of a page.
  private static func shape(_ page: HistoryPage) -> [String: Any] {
    var object: [String: Any] = ["transactions": page.transactions.map(Self.shape), "total": page.total]
    object["nextCursor"] = page.nextCursor.map { Int($0.sequence) }
    return object
  }

  private static func shape(_ transaction: Transaction) -> [String: Any] {
    var object: [String: Any] = [
      "id": transaction.id.description, "account": transaction.account.description, "type": transaction.type.name,
      "operation": transaction.operation.name, "amount": transaction.change.description,
      "balanceAfter": transaction.balanceAfter.description, "timestamp": transaction.timestamp.description,
      "sequence": Int(transaction.sequence),
    ]
    if transaction.quantity > 0 { object["quantity"] = transaction.quantity }
    if !transaction.reference.isEmpty { object["reference"] = transaction.reference }
    if !transaction.note.isEmpty { object["note"] = transaction.note }
    object["relatedTransaction"] = transaction.related?.description
    return object
  }
}
