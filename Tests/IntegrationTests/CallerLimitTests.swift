import Foundation
import ManaClient
import ManaProtocol
import Testing

/// What a token may do at most: refused by name, whole, before anything is applied.
@Suite struct CallerLimitTests {
  typealias Rig = CredentialTests.Rig

  static func audit(_ rig: Rig) -> String { rig.data.url.appending(path: "audit").path() }

  /// The status of a request that is refused as a whole, and the item that it is about.
  static func refusal(_ caller: inout Caller, _ items: [Item], opcode: Opcode = .post) throws -> String {
    let reply = try caller.call(opcode, batchBody(items))
    #expect(reply.header.flags == [.notExecuted])
    let item = try reply.body.withUnsafeBytes { try ErrorBody(reading: $0) }.detail
    return "\(Status(rawValue: reply.header.status)?.name ?? "?"), item \(item)"
  }

  static func bonus(_ id: UInt128, _ account: UInt128, _ mana: UInt64) -> Item {
    Item(id: id, account: account, amount: mana * 1_000_000, type: .bonus, operation: .bonus)
  }

  @Test(arguments: [1, 3]) func anAmountAboveTheLimitIsRefused(shards: Int) async throws {
    let rig = try Rig()
    let token = try await rig.token("shop", ["spend", "credit", "read"], ["--amount-max", "10"])
    let server = try ServerProcess(data: rig.data, shards: shards, arguments: ["--audit-log", Self.audit(rig)])
    var caller = try Caller(server, account: 7, token: token)
    // Whole: the first item would have been applied by itself.
    let refused = try Self.refusal(&caller, [Self.bonus(1, 7, 10), Self.bonus(2, 8, 11)])
    #expect(refused == "amountAboveLimit, item 1")
    for id: UInt128 in 3..<6 {
      #expect(try caller.post([Self.bonus(id, 7, 10)]).map(\.status) == [.ok])
    }
    #expect(try caller.overview().balance == 30_000_000)
    let spend = caller.spend(id: 9, amount: 10_000_001)
    #expect(try Self.refusal(&caller, [spend], opcode: .spend) == "amountAboveLimit, item 0")
    #expect(try caller.post([caller.spend(id: 9, amount: 10_000_000)]).map(\.status) == [.ok])
    let refund = Item(id: 10, account: 7, related: 9, amount: 11_000_000, type: .refund, operation: .refund)
    #expect(try Self.refusal(&caller, [refund], opcode: .refund) == "amountAboveLimit, item 0")
    // All that is left of a spend names no amount.
    let rest = Item(id: 11, account: 7, related: 9, amount: 0, type: .refund, flags: .remaining, operation: .refund)
    #expect(try caller.post([rest]).map(\.status) == [.ok])
    #expect(server.terminate() == 0)
    let outcomes = try AuditTests.lines(Self.audit(rig)).filter { $0["event"] as? String == "callRefused" }
    #expect(outcomes.map { $0["outcome"] as? String } == ["amountAboveLimit", "amountAboveLimit", "amountAboveLimit"])
    let inForce = try AuditTests.lines(Self.audit(rig)).first { $0["event"] as? String == "credentialInForce" }
    #expect((inForce?["permissions"] as? String)?.contains("amount-max=10.0") == true)
  }

  /// For a name, whichever of its tokens is used; over all shards, connections and restarts.
  @Test(arguments: [1, 3]) func aDaysCreditHasALimit(shards: Int) async throws {
    let rig = try Rig()
    let limits = ["--credit-per-day-max", "100"]
    let (old, new) = (
      try await rig.token("billing", ["credit", "read"], limits),
      try await rig.token("billing", ["credit", "read"], limits)
    )
    var server = try ServerProcess(data: rig.data, shards: shards)
    var first = try Caller(server, account: 1, token: old)
    var second = try Caller(server, account: 2, token: new)
    // Two shards: 60 of 100.
    #expect(try first.post([Self.bonus(1, 1, 20), Self.bonus(2, 2, 20), Self.bonus(3, 3, 20)]).count == 3)
    #expect(try Self.refusal(&second, [Self.bonus(4, 2, 41)]) == "creditAboveLimit, item 0")
    // What was credited before is not credited again, and what the ledger refuses is not credited.
    #expect(try second.post([Self.bonus(1, 1, 20)])[0].replayed)
    #expect(try second.post([Self.bonus(2, 2, 21)]).map(\.status) == [.idConflict])
    #expect(try second.post([Self.bonus(5, 2, 40)]).map(\.status) == [.ok])
    #expect(try Self.refusal(&first, [Self.bonus(6, 1, 1)]) == "creditAboveLimit, item 0")
    // Neither a stop nor a crash begins the day again.
    for isCrash in [false, true] {
      if isCrash { server.kill() } else { #expect(server.terminate() == 0) }
      server = try ServerProcess(data: rig.data)
      var again = try Caller(server, account: 1, token: old)
      #expect(try Self.refusal(&again, [Self.bonus(7, 1, 1)]) == "creditAboveLimit, item 0")
      #expect(try again.overview().balance == 20_000_000)
    }
    // A caller without a limit is not concerned.
    let free = try await rig.token("owner", ["credit"])
    kill(server.processIdentifier, SIGHUP)
    try await eventually {
      try await CredentialTests.refusal(server, free) { _ = try await $0.purchase(9, 500) } == nil
    }
  }

  @Test func aRecordOfCreditsThatIsDamagedStopsTheStart() async throws {
    let rig = try Rig()
    _ = try await rig.token("billing", ["credit"], ["--credit-per-day-max", "100"])
    #expect(try rig.server().terminate() == 0)
    let file = rig.ledger + "/credit-usage"
    try Data("mana-credit-usage 1\n2026-11-26 lots token billing\n".utf8).write(to: URL(filePath: file))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    #expect { try rig.server() } throws: { error in
      guard let error = error as? ServerProcess.DidNotStart else { return false }
      return error.status == 78 && error.errors.contains("credit-usage: line 2")
    }
  }

  @Test(arguments: [1, 3]) func onlyAccountsOfAPrefixAreReached(shards: Int) async throws {
    let rig = try Rig()
    let token = try await rig.token("shop", ["read", "spend", "credit"], ["--account-prefix", "7f"])
    let server = try ServerProcess(data: rig.data, shards: shards)
    let (ours, theirs) = (UInt128(0x7F) << 120 | 42, UInt128(42))
    var caller = try Caller(server, account: ours, token: token)
    #expect(
      try Self.refusal(&caller, [Self.bonus(1, ours, 5), Self.bonus(2, theirs, 5)]) == "accountNotAllowed, item 1")
    #expect(try caller.post([Self.bonus(1, ours, 5)]).map(\.status) == [.ok])
    #expect(try caller.overview().balance == 5_000_000)
    let reads: [@Sendable (ManaClient, AccountID) async throws -> Void] = [
      { _ = try await $0.account($1) }, { for try await _ in $0.transactions(of: $1) {} },
      { _ = try await $0.balance(of: $1, at: Timestamp(nanoseconds: 1)) },
      { _ = try await $0.transaction(id: TransactionID(1), of: $1) },
    ]
    for read in reads {
      #expect(try await CredentialTests.refusal(server, token) { try await read($0, AccountID(ours)) } == nil)
      #expect(
        try await CredentialTests.refusal(server, token) { try await read($0, AccountID(theirs)) }
          == "accountNotAllowed")
    }
  }

  /// The same three names from the command line and the Python client, which say what to do.
  @Test func everyClientNamesTheLimit() async throws {
    let rig = try Rig()
    let token = try await rig.token(
      "shop", ["read", "spend", "credit"],
      ["--amount-max", "10", "--credit-per-day-max", "15.5", "--account-prefix", "00000000"])
    let list = try await rig.tool(["list", "--json"])
    let entry = try object(list.output.trimmingCharacters(in: .newlines))
    #expect(entry["amountMax"] as? String == "10.0" && entry["creditPerDayMax"] as? String == "15.5")
    #expect(entry["accountPrefix"] as? String == "00000000")
    let text = try await rig.tool(["list"]).output
    #expect(text.contains("amount-max=10.0 credit-per-day-max=15.5 account-prefix=00000000"), "\(text)")
    let server = try rig.server()
    let file = try rig.file(token)
    #expect(try await Programs.mana(["purchase", "42", "10", "--token-file", file], server: server).status == 0)
    let other = "7f000000-0000-0000-0000-000000000000"
    let cases: [(mana: [String], python: [String], status: String)] = [
      (["purchase", "42", "10.5"], ["purchase", "42", "10.5"], "amountAboveLimit"),
      (["bonus", "42", "6"], ["bonus", "42", "6"], "creditAboveLimit"),
      (["account", other], ["account", other], "accountNotAllowed"),
    ]
    for (mana, python, status) in cases {
      let ours = try await Programs.mana(mana + ["--token-file", file], server: server)
      #expect(ours.status == 2 && ours.errors.contains(status), "\(ours)")
      let theirs = try await CredentialTests.python(python, server: server, token: token)
      #expect(theirs.status == 1 && theirs.errors.contains(status), "\(theirs)")
    }
  }

  @Test(arguments: [
    ["--amount-max", "0"], ["--amount-max", "ten"], ["--credit-per-day-max", "-5"], ["--account-prefix", "xyz"],
  ])
  func aWrongLimitMakesNoToken(option: [String]) async throws {
    let rig = try Rig()
    #expect(try await rig.tool(["create", "shop", "--role", "read"] + option).status == 64)
    #expect(try await rig.tool(["list"]).status == 66)
  }
}
