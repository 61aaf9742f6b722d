import Foundation
import ManaProtocol
import Testing

/// `mana usage` over more transactions than a page has, held against the totals that the server keeps.
@Suite struct UsageTests {
  static let spends = 2_500

  @Test func sumsAreThoseOfTheAccount() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 1)
    var caller = try Caller(server, account: 42)
    _ = try caller.credit(1_000_000_000, id: 1)
    let operations: [ManaProtocol.Operation] = [.imageGeneration, .combination, .export]
    let items = (0..<Self.spends).map { (index: Int) -> Item in
      let kind = index % 3
      return Item(
        id: UInt128(index + 10), account: 42, amount: UInt64(index + 1), quantity: UInt32(kind), type: .spend,
        operation: operations[kind])
    }
    #expect(try caller.post(items).allSatisfy { $0.status == .ok })
    let refund = Item(
      id: 5_000, account: 42, related: 10, amount: 0, type: .refund, flags: .remaining, operation: .refund)
    #expect(try caller.post([refund])[0].status == .ok)

    let account = try await Self.answer(["account", "42"], server)
    let usage = try await Self.answer(["usage", "42", "--by", "operation"], server)
    let groups = try #require(usage["groups"] as? [[String: Any]])
    let totals = try #require(account["operations"] as? [String: [String: Any]])
    #expect(groups.compactMap { $0["operation"] as? String } == operations.map(\.name) + ["refund", "bonus"])
    for group in groups {
      let operation = try #require(group["operation"] as? String)
      let key = ["refund": "refunded", "bonus": "bonus"][operation] ?? "spent"
      #expect(group[key] as? String == totals[operation]?["amount"] as? String, "\(operation)")
      #expect(group["transactions"] as? Int == totals[operation]?["count"] as? Int, "\(operation)")
    }
    #expect(groups.map { $0["quantity"] as? Int } == [nil, 833, 1_666, nil, nil])

    // By day, whichever days the test runs on, and over a period before which there was nothing.
    for options in [[], ["--since", "1d"]] {
      let days = try await Self.answer(["usage", "42", "--by", "day"] + options, server)
      #expect(try canonical(Self.total(days)) == canonical(Self.total(usage)))
      let sums = try #require(days["groups"] as? [[String: Any]])
      #expect(sums.reduce(0) { $0 + ($1["transactions"] as? Int ?? 0) } == Self.spends + 2)
    }
    let before = try await Self.answer(["usage", "42", "--by", "day", "--until", "1d"], server)
    #expect((before["groups"] as? [Any])?.isEmpty == true)
    let table = try await Programs.mana(["usage", "42", "--by", "operation"], server: server)
    #expect(table.status == 0 && table.output.contains("█") && !table.output.contains("\u{1B}"), "\(table.errors)")
  }

  @Test func anAccountThatDoesNotExistIsRefused() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 1)
    let outcome = try await Programs.mana(["usage", "7", "--by", "day"], server: server)
    #expect(outcome.status == 2 && outcome.errors.contains("accountUnknown"), "\(outcome.errors)")
  }

  private static func total(_ usage: [String: Any]) throws -> [String: Any] {
    try #require(usage["total"] as? [String: Any])
  }

  private static func answer(_ arguments: [String], _ server: ServerProcess) async throws -> [String: Any] {
    let outcome = try await Programs.mana(arguments + ["--json"], server: server)
    try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return try object(outcome.output)
  }
}
