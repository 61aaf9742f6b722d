import Foundation
import ManaClient
import ManaProtocol
import Testing

/// What a server records of those who call it, and what nothing ever shows: their tokens.
@Suite struct AuditTests {
  typealias Rig = CredentialTests.Rig

  static func lines(_ path: String) throws -> [[String: Any]] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { try object(String($0)) }
  }

  static func verify(_ path: String, _ more: [String] = []) async throws -> Programs.Outcome {
    try await Programs.run(Programs.folder.appending(path: "mana-server"), ["audit", "verify", path] + more)
  }

  @Test(arguments: [1, 3]) func refusalsAndCreditsAreRecordedAndSpendsAreNot(shards: Int) async throws {
    let rig = try Rig()
    let path = rig.data.url.appending(path: "audit").path()
    let shop = try await rig.token("shop", ["spend", "credit"])
    let reports = try await rig.token("reports", ["read"])
    let server = try ServerProcess(data: rig.data, shards: shards, arguments: ["--audit-log", path])
    for account: UInt128 in 40..<44 {
      _ = try await CredentialTests.refusal(server, shop) {
        _ = try await $0.purchase(AccountID(account), 500)
        _ = try await $0.spend(AccountID(account), 1, for: .export)
      }
    }
    #expect(
      try await CredentialTests.refusal(server, reports) { _ = try await $0.spend(42, 1, for: .export) }
        == "roleMissing")
    #expect(try await CredentialTests.refusal(server, "wrong") { _ = try await $0.ping() } == "credentialUnknown")
    #expect(try await rig.tool(["revoke", "reports"]).status == 0)
    kill(server.processIdentifier, SIGHUP)
    try await eventually {
      try await CredentialTests.refusal(server, reports) { _ = try await $0.ping() } == "credentialUnknown"
    }
    #expect(server.terminate() == 0)

    let lines = try Self.lines(path)
    func events(_ name: String) -> [[String: Any]] { lines.filter { $0["event"] as? String == name } }
    #expect(events("start").count == 1 && events("start")[0]["letsIn"] as? String == "credentials")
    #expect(lines.last?["event"] as? String == "stop")
    #expect(events("credentialInForce").count == 2)
    #expect(events("reload").map { $0["outcome"] as? String } == ["ok"])
    #expect((events("credentialRevoked").first?["who"] as? String)?.hasPrefix("token reports (") == true)
    let credits = events("credit")
    #expect(Set(credits.compactMap { $0["account"] as? String }) == ["40", "41", "42", "43"])
    #expect(credits.count == 4)
    for credit in credits {
      #expect((credit["who"] as? String)?.hasPrefix("token shop (") == true)
      #expect((credit["from"] as? String)?.hasPrefix("127.0.0.1:") == true)
      #expect(credit["amount"] as? String == "500.0" && credit["posted"] as? Int == 1)
      #expect(credit["outcome"] as? String == "ok" && credit["call"] as? String == "purchase")
    }
    let refused = events("callRefused")
    #expect(refused.map { $0["outcome"] as? String } == ["roleMissing"])
    #expect((refused.first?["who"] as? String)?.hasPrefix("token reports (") == true)
    #expect(refused.first?["call"] as? String == "spend")
    #expect(events("connectionRefused").contains { $0["outcome"] as? String == "credentialUnknown" })
    #expect(!lines.contains { $0["call"] as? String == "spend" && $0["outcome"] as? String == "ok" })

    let sound = try await Self.verify(path, ["--json"])
    #expect(sound.status == 0, "\(sound)")
    let hash = try #require(try object(sound.output)["lastHash"] as? String)
    #expect(try await Self.verify(path, ["--expect", hash]).status == 0)
    #expect(try await Self.verify(path, ["--expect", String(repeating: "a", count: 64)]).status == 65)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try Data(text.replacingOccurrences(of: "500.0", with: "900.0").utf8).write(to: URL(filePath: path))
    let broken = try await Self.verify(path)
    #expect(broken.status == 65 && broken.output.contains("broken at") && broken.output.contains("line"), "\(broken)")
    #expect(try await Self.verify(path + "-absent").status == 66)
  }

  /// Who asked for the end stands in its entry, and a signal says that it was one.
  @Test(arguments: [1, 3]) func whoAsksTheServerToDrainIsRecorded(shards: Int) async throws {
    let rig = try Rig()
    let path = rig.data.url.appending(path: "audit").path()
    let operators = try await rig.file(rig.token("operators", ["operate"]))
    let reports = try await rig.file(rig.token("reports", ["read"]))
    let server = try ServerProcess(data: rig.data, shards: shards, arguments: ["--audit-log", path])
    let refused = try await Programs.mana(["drain", "--token-file", reports], server: server)
    #expect(refused.status != 0 && refused.errors.contains("roleMissing"), "\(refused)")
    let asked = try await Programs.mana(["drain", "--token-file", operators], server: server)
    #expect(asked.status == 0, "\(asked)")
    #expect(try server.ended(within: 60)?.status == 0)
    let next = try ServerProcess(data: rig.data, arguments: ["--audit-log", path])
    #expect(next.terminate() == 0)
    let drains = try Self.lines(path).filter { $0["event"] as? String == "drain" }
    #expect(drains.map { $0["reason"] as? String } == ["call", "signal"])
    #expect((drains.first?["who"] as? String)?.hasPrefix("token operators (") == true, "\(drains)")
    #expect((drains.first?["from"] as? String)?.hasPrefix("127.0.0.1:") == true, "\(drains)")
    #expect(drains.last?["who"] == nil, "\(drains)")
    let refusals = try Self.lines(path).filter { $0["event"] as? String == "callRefused" }
    #expect(refusals.map { $0["call"] as? String } == ["drain"])
  }

  /// One entry for a batch over several shards, with what came of all of it.
  @Test func aBatchOverSeveralShardsIsOneEntry() async throws {
    let rig = try Rig()
    let path = rig.data.url.appending(path: "audit").path()
    let server = try ServerProcess(data: rig.data, shards: 3, arguments: ["--audit-log", path])
    var caller = try Caller(server, account: 7)
    let items = (1...30).map {
      Item(id: UInt128($0), account: UInt128($0), amount: 2_000_000, type: .bonus, operation: .bonus)
    }
    try caller.connection.send(frame(.post, correlation: 1, body: batchBody(items)))
    #expect(try caller.connection.receiveFrame().header.status == 0)
    #expect(try caller.post([caller.spend(id: 99)]).map(\.status) == [.ok])
    #expect(server.terminate() == 0)
    let credits = try Self.lines(path).filter { $0["event"] as? String == "credit" }
    #expect(credits.count == 1)
    #expect(credits.first?["credits"] as? Int == 30 && credits.first?["posted"] as? Int == 30)
    #expect(credits.first?["amount"] as? String == "60.0" && credits.first?["account"] as? String == "several")
  }

  /// The trace that a caller's request names stands where a credit or a refusal is recorded, on whatever shard.
  @Test(arguments: [1, 3]) func theCallersTraceIsRecorded(shards: Int) async throws {
    let rig = try Rig()
    let path = rig.data.url.appending(path: "audit").path()
    let token = try await rig.token("shop", ["credit"])
    let server = try ServerProcess(data: rig.data, shards: shards, arguments: ["--audit-log", path])
    let connection = try RawConnection(port: server.port)
    try connection.shakeHands(Hello(instance: 1, clientName: "test", token: token))
    func send(_ opcode: Opcode, account: UInt128, _ trace: TraceContext?) throws -> UInt16 {
      let type = opcode.itemType ?? .bonus
      let item = Item(
        id: account, account: account, amount: 1, type: type, operation: type == .bonus ? .bonus : .export)
      try connection.send(frame(opcode, correlation: 1, body: batchBody([item]), trace: trace))
      return try connection.receiveFrame().header.status
    }
    for account: UInt128 in 1...8 {
      #expect(try send(.bonus, account: account, TraceContext(trace: 0xAF << 120 | account, span: 7, flags: 1)) == 0)
    }
    #expect(try send(.bonus, account: 9, nil) == 0)
    let refused = try send(.spend, account: 1, TraceContext(trace: 5, span: 1 << 63, flags: 0))
    #expect(refused == Status.roleMissing.rawValue)
    #expect(server.terminate() == 0)

    let lines = try Self.lines(path)
    let credits = lines.filter { $0["event"] as? String == "credit" }
    #expect(credits.count == 9)
    for credit in credits {
      let account = try #require(credit["account"] as? String)
      let trace = account == "9" ? nil : "af00000000000000000000000000000\(account)"
      #expect(credit["trace"] as? String == trace)
      #expect(credit["span"] as? String == (account == "9" ? nil : "0000000000000007"))
    }
    let refusal = try #require(lines.first { $0["event"] as? String == "callRefused" })
    #expect(refusal["trace"] as? String == "00000000000000000000000000000005")
    #expect(refusal["span"] as? String == "8000000000000000")
  }

  /// A file that is something else is not written to, and nothing is served unrecorded.
  @Test func anAuditLogThatCannotBeOpenedStopsTheStart() throws {
    let rig = try Rig()
    let path = rig.data.url.appending(path: "audit").path()
    try Data("precious\n".utf8).write(to: URL(filePath: path))
    #expect { try rig.server(["--audit-log", path]) } throws: { error in
      guard let error = error as? ServerProcess.DidNotStart else { return false }
      return error.status == 78 && error.errors.contains("audit log")
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious\n")
  }

  /// Plants a token, uses it rightly and wrongly through every program, and looks for it in all that they print and
  /// write.
  @Test(arguments: ["text", "json"]) func nothingShowsAToken(logFormat: String) async throws {
    let rig = try Rig()
    let audit = rig.data.url.appending(path: "audit").path()
    let right = try await rig.token("shop", ["read", "spend", "credit"])
    let wrong = "mana_" + String(right.dropFirst(5).reversed())
    let server = try rig.server(["--audit-log", audit, "--log-level", "trace", "--log-format", logFormat])
    var said: [String] = []
    for token in [right, wrong] {
      let file = try rig.file(token)
      let calls: [[String]] = [
        ["ping"], ["purchase", "42", "5"], ["spend", "42", "1", "--operation", "export"], ["account", "42", "--json"],
        ["history", "42"], ["spend", "42", "-1", "--operation", "export"], ["--help"], ["nonsense"],
      ]
      for call in calls {
        let options = call == ["--help"] || call == ["nonsense"] ? [] : ["--token-file", file]
        let outcome = try await Programs.mana(call + options, server: server)
        said += [outcome.output, outcome.errors]
        let theirs = try await CredentialTests.python(call, server: server, token: token)
        said += [theirs.output, theirs.errors]
      }
      let load = try await Programs.run(
        Programs.folder.appending(path: "mana-load"),
        [
          "--server", server.address, "--transactions", "100", "--warmup", "0", "--batch", "10", "--accounts", "10",
          "--token-file", file,
        ])
      said += [load.output, load.errors]
      said += ["\(ManaClient.Credential.token(token))", "\(CredentialTests.configuration(token))"]
      said.append(String(reflecting: CredentialTests.configuration(token)))
      do {
        let address = try #require(ManaAddress(server.address))
        try await withManaClient(address: address, configuration: CredentialTests.configuration(token)) {
          _ = try await $0.spend(4_711, 1, for: .export)
        }
      } catch { said += ["\(error)", String(reflecting: error)] }
      try FileManager.default.removeItem(atPath: file)
    }
    for arguments in [["list"], ["list", "--json"]] {
      let outcome = try await rig.tool(arguments)
      said += [outcome.output, outcome.errors]
    }
    kill(server.processIdentifier, SIGHUP)
    #expect(server.terminate() == 0)
    let dump = try await Programs.run(
      Programs.folder.appending(path: "mana-server"), ["dump", rig.ledger, "--json"])
    said += [dump.output, dump.errors, try server.log]
    #expect(said.contains { $0.contains("credentialUnknown") } && said.contains { $0.contains("42") })
    for token in [right, wrong] {
      // Without the prefix, too, and what base64 would make of it.
      for secret in [String(token.dropFirst(5)), Data(token.utf8).base64EncodedString().replacing("=", with: "")] {
        for text in said { #expect(!text.contains(secret), "a program printed the token") }
        let needle = Data(secret.utf8)
        let files = try #require(FileManager.default.enumerator(at: rig.data.url, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile! {
          count += 1
          #expect(try Data(contentsOf: file).range(of: needle) == nil, "\(file.lastPathComponent) holds the token")
        }
        #expect(count > 3)
      }
    }
  }
}
