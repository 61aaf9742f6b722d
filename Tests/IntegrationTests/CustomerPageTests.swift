import Foundation
import Testing

/// The sessions of the customer's usage page, typed through the command line, and read back after a crash.
@Suite struct CustomerPageTests {
  /// One line of the page: what is typed, and what the history then says.
  struct Line {
    let type: [String]
    let operation: String
    let amount: String
    let balance: String
    var quantity: Int?
    var note: String?
    var reference: String?
  }

  /// Each session with the balance it begins with.
  static let sessions: [(name: String, opening: String, lines: [Line])] = [
    (
      "typical", "1000",
      [
        Line(type: ["spend", "1.5"], operation: "image_generation", amount: "-1.5", balance: "998.5"),
        Line(type: ["spend", "1.5"], operation: "image_generation", amount: "-1.5", balance: "997.0"),
        Line(type: ["spend", "1.0"], operation: "detection", amount: "-1.0", balance: "996.0"),
        Line(type: ["spend", "2.0"], operation: "variation", amount: "-2.0", balance: "994.0"),
        Line(type: ["spend", "2.0"], operation: "variation", amount: "-2.0", balance: "992.0"),
        Line(type: ["spend", "1.0"], operation: "combination", amount: "-1.0", balance: "991.0"),
      ]
    ),
    (
      "high volume", "510",
      [
        Line(type: ["spend", "10"], operation: "combination", amount: "-10.0", balance: "500.0", quantity: 1000),
        Line(type: ["spend", "5"], operation: "export", amount: "-5.0", balance: "495.0", quantity: 500),
      ]
    ),
    (
      "failed variation", "1000",
      [
        Line(type: ["spend", "2"], operation: "variation", amount: "-2.0", balance: "998.0"),
        Line(
          type: ["refund"], operation: "refund", amount: "2.0", balance: "1000.0", note: "operation failed"),
      ]
    ),
    (
      "purchase", "1000",
      [
        Line(
          type: ["purchase", "500"], operation: "purchase", amount: "500.0", balance: "1500.0",
          note: "$40 Creator Pack", reference: "pi_123")
      ]
    ),
  ]

  @Test(arguments: [1, 2]) func sessionsComeBackAfterACrash(shards: Int) async throws {
    let data = try TemporaryDirectory()
    var server = try ServerProcess(data: data, shards: shards)
    var before: [String] = []
    for (index, session) in Self.sessions.enumerated() {
      let account = "\(index + 1)"
      try await type(session.lines, account: account, opening: session.opening, server: server)
      try await check(session.lines, account: account, opening: session.opening, server: server)
      before += try await page(account, server)
    }
    server.kill()
    server = try ServerProcess(data: data)
    var after: [String] = []
    for index in Self.sessions.indices { after += try await page("\(index + 1)", server) }
    #expect(after == before)
    #expect(server.terminate() == 0)
  }

  private func type(_ lines: [Line], account: String, opening: String, server: ServerProcess) async throws {
    let bonus = try await Programs.mana(["bonus", account, opening, "--note", "new account"], server: server)
    try #require(bonus.status == 0, "\(bonus.errors)")
    var lastID = ""
    for line in lines {
      var arguments = [line.type[0], account] + line.type.dropFirst()
      switch line.type[0] {
      case "spend": arguments += ["--operation", line.operation]
      case "refund": arguments += ["--of", lastID]
      default: break
      }
      if let quantity = line.quantity { arguments += ["--quantity", "\(quantity)"] }
      if let note = line.note { arguments += ["--note", note] }
      if let reference = line.reference { arguments += ["--reference", reference] }
      let outcome = try await Programs.mana(arguments + ["--json"], server: server)
      try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
      lastID = try #require(object(outcome.output)["id"] as? String)
    }
  }

  private func check(_ lines: [Line], account: String, opening: String, server: ServerProcess) async throws {
    let history = try object(await Programs.mana(["history", account, "--json"], server: server).output)
    let transactions = try #require(history["transactions"] as? [[String: Any]])
    #expect(history["total"] as? Int == lines.count + 1)
    try #require(transactions.count == lines.count + 1)
    for (line, transaction) in zip(lines.reversed(), transactions) {
      #expect(transaction["operation"] as? String == line.operation)
      #expect(transaction["amount"] as? String == line.amount)
      #expect(transaction["balanceAfter"] as? String == line.balance)
      #expect(transaction["quantity"] as? Int == line.quantity)
      #expect(transaction["note"] as? String == line.note)
      #expect(transaction["reference"] as? String == line.reference)
    }
    #expect(transactions.last?["type"] as? String == "bonus")
  }

  /// What a customer sees: history and overview, for people and for programs.
  private func page(_ account: String, _ server: ServerProcess) async throws -> [String] {
    var texts: [String] = []
    for arguments in [["history", account], ["history", account, "--json"], ["account", account, "--json"]] {
      let outcome = try await Programs.mana(arguments, server: server)
      try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
      texts.append(outcome.output)
    }
    return texts
  }
}

/// The object that a program printed.
func object(_ text: String) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}
