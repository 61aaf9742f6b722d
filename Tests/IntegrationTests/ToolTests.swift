import Foundation
import ManaProtocol
import Testing

/// `mana-server verify`, `dump`, `salvage` and `backup`, as an operator calls them.
@Suite struct ToolTests {
  private static func tool(_ arguments: [String]) async throws -> Programs.Outcome {
    try await Programs.run(Programs.folder.appending(path: "mana-server"), arguments)
  }

  private static func json(_ outcome: Programs.Outcome) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  /// A ledger of two shards with one block a charge, ended in order. Four accounts, of which each shard has some: a new
  /// ledger deals them by chance, one in eight gives all of them to one shard.
  private static func makeLedger(charges: Int) throws -> (data: TemporaryDirectory, path: String) {
    for _ in 0..<40 {
      let (data, path) = try makeDealtLedger(charges: charges)
      let written = try (0...1).map { shard in
        Segments.blocks(of: try Data(contentsOf: Segments.first(of: path, shard: shard)))
      }
      if !written.contains([]) { return (data, path) }
    }
    throw Unlikely()
  }

  /// Forty ledgers that each left a shard empty.
  private struct Unlikely: Error {}

  private static func makeDealtLedger(charges: Int) throws -> (data: TemporaryDirectory, path: String) {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2, arguments: ["--segment-bytes", "65536"])
    for account in [UInt128(7), 8, 9, 10] {
      var caller = try Caller(server, account: account)
      _ = try caller.credit(1_000_000, id: 1)
      for id in 0..<charges { _ = try caller.post([caller.spend(id: UInt128(id + 2))]) }
    }
    #expect(server.terminate() == 0)
    return (data, data.url.appending(path: "ledger").path())
  }

  /// Every file below a directory, with its content.
  private static func files(below path: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      if let content = FileManager.default.contents(atPath: "\(path)/\(name)") { files[name] = content }
    }
    return files
  }

  /// Turns a bit in the middle of a shard's journal. Where.
  private static func damage(_ path: String, shard: Int) throws -> (file: String, byte: Int) {
    let file = Segments.first(of: path, shard: shard)
    var bytes = try Data(contentsOf: file)
    let blocks = Segments.blocks(of: bytes)
    try #require(!blocks.isEmpty, "nothing to damage in \(file.path())")
    let byte = blocks[blocks.count / 2]
    bytes[byte + 200] ^= 4
    try bytes.write(to: file)
    return (file.path(), byte)
  }

  @Test func verifyOfASoundLedger() async throws {
    let (data, path) = try Self.makeLedger(charges: 10)
    defer { withExtendedLifetime(data) {} }
    let before = try Self.files(below: path)
    let text = try await Self.tool(["verify", path])
    #expect(text.status == 0 && text.output.contains("is sound: 2 shards"), "\(text.output)\(text.errors)")
    #expect(text.output.contains("44 transactions of 4 accounts"), "\(text.output)")
    let object = try Self.json(try await Self.tool(["verify", path, "--json"]))
    #expect(object["sound"] as? Bool == true)
    #expect((object["shards"] as? [[String: Any]])?.compactMap { $0["transactions"] as? Int }.reduce(0, +) == 44)
    #expect(try Self.files(below: path) == before, "verifying changed something")
  }

  @Test func whatIsNotThereAndWhatIsInUse() async throws {
    let data = try TemporaryDirectory()
    #expect(try await Self.tool(["verify", data.path + "nothing"]).status == 66)
    #expect(try await Self.tool(["dump", data.path]).status == 66)
    let server = try ServerProcess(data: data)
    let path = data.url.appending(path: "ledger").path()
    for tool in ["verify", "salvage"] {
      let outcome = try await Self.tool([tool, path])
      #expect(outcome.status == 69, "\(tool)")
      #expect(outcome.errors.contains("in use by process \(server.processIdentifier)"), "\(outcome.errors)")
      #expect(outcome.errors.contains("mana-server backup"), "\(outcome.errors)")
    }
    #expect(server.isRunning)
  }

  @Test func damageIsNamedAndSalvaged() async throws {
    let (data, path) = try Self.makeLedger(charges: 12)
    let (file, byte) = try Self.damage(path, shard: 1)
    let before = try Self.files(below: path)
    let verified = try await Self.tool(["verify", path, "--json"])
    #expect(verified.status == 65)
    let shards = try #require(try Self.json(verified)["shards"] as? [[String: Any]])
    try #require(shards.count == 2)
    #expect(shards[0]["sound"] as? Bool == true && shards[1]["sound"] as? Bool == false)
    let place = try #require(shards[1]["damage"] as? [String: Any])
    #expect(place["file"] as? String == file && place["byte"] as? Int == byte)
    let kept = try #require(shards.reduce(0) { $0 + ($1["transactions"] as? Int ?? 0) })

    let refused = try await Self.tool(["salvage", path])
    #expect(refused.status == 65 && refused.output.contains("would be lost"), "\(refused.output)")
    #expect(try Self.files(below: path) == before, "it was not asked to change anything")

    let cut = try await Self.tool(["salvage", path, "--accept-loss", "--json"])
    #expect(cut.status == 0, "\(cut.output)\(cut.errors)")
    let report = try Self.json(cut)
    let originals = try #require(report["originals"] as? String)
    let after = try Self.files(below: path)
    for content in before.values where content.count == 65536 {
      #expect(after.values.contains(content), "an original is gone")
    }
    let lost = try String(contentsOfFile: "\(originals)/lost.jsonl", encoding: .utf8).split(separator: "\n")
    let loss = try #require((report["losses"] as? [[String: Any]])?.first)
    #expect(lost.count == loss["readableRecords"] as? Int)
    let unreadable = try #require(loss["unreadableRecords"] as? Int)
    #expect(kept + lost.count + unreadable == 4 * 13, "\(kept) kept, \(lost.count) listed, \(unreadable) unreadable")

    #expect(try await Self.tool(["verify", path]).status == 0)
    #expect(try await Self.tool(["salvage", path]).output.contains("nothing to salvage"))
    let server = try ServerProcess(data: data)
    var total = 0
    for account in [UInt128(7), 8, 9, 10] {
      var caller = try Caller(server, account: account)
      if let overview = try? caller.overview() { total += Int(overview.transactions) }
    }
    #expect(total == kept)
  }

  @Test func aBackupOfARunningServerHoldsWhatWasAcknowledged() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2, arguments: ["--segment-bytes", "65536"])
    let accounts = [UInt128(7), 8, 9, 10]
    var callers = try accounts.map { try Caller(server, account: $0) }
    for index in callers.indices { _ = try callers[index].credit(1_000_000, id: 1) }
    let path = data.url.appending(path: "ledger").path()
    for round in 0..<4 {
      for index in callers.indices {
        let items = (0..<300).map { callers[index].spend(id: UInt128(round * 1_000 + $0 + 2)) }
        #expect(try callers[index].post(items).allSatisfy { $0.status == .ok })
      }
      let acknowledged = callers.map(\.acknowledged)
      let target = data.url.appending(path: "copy-\(round)").path()
      async let copy = Self.tool(["backup", path, target, "--json"])
      // Meanwhile the server goes on.
      for extra in 0..<60 {
        for index in callers.indices {
          _ = try callers[index].post([callers[index].spend(id: UInt128(round * 1_000 + 500 + extra))])
        }
        await Task.yield()
      }
      let outcome = try await copy
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
      let restored = try ServerProcess(data: data, ledger: target)
      for (index, account) in accounts.enumerated() {
        var caller = try Caller(restored, account: account)
        let overview = try caller.overview()
        #expect(Int(overview.transactions) >= acknowledged[index], "round \(round), account \(account)")
        #expect(Int(overview.transactions) <= callers[index].acknowledged)
        #expect(overview.balance == 1_000_000 - Int64(overview.transactions - 1))
      }
      #expect(restored.terminate() == 0)
    }
    let again = try await Self.tool(["backup", path, data.url.appending(path: "copy-0").path()])
    #expect(again.status == 73 && again.errors.contains("is not empty"), "\(again.errors)")
  }

  @Test func dumpShowsEachRecord() async throws {
    let (data, path) = try Self.makeLedger(charges: 10)
    defer { withExtendedLifetime(data) {} }
    let lines = try await Self.tool(["dump", path, "--json"]).output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let records = lines.filter { $0["kind"] as? String == "record" }
    #expect(records.count == 44 && lines.allSatisfy { $0["doubt"] == nil })
    let own = try await Self.tool(["dump", path, "--json", "--account", "8"]).output.split(separator: "\n")
    #expect(own.count == 11 && own.allSatisfy { $0.contains("\"account\":\"8\"") })
    #expect(own.last?.contains("\"balanceAfter\":\"0.99999\"") == true, "\(own.last ?? "")")
    // A part of it: from a record's position to a block.
    let shard = try #require(records.last?["shard"] as? Int)
    let position = try #require(records.last?["position"] as? Int)
    let part = try await Self.tool(["dump", path, "--shard", "\(shard)", "--from", "@\(position)", "--json"]).output
    #expect(part.contains("\"position\":\(position),") && part.split(separator: "\n").count <= 3, "\(part)")
    let blocks = try await Self.tool(["dump", path, "--shard", "0", "--from", "3", "--to", "4"]).output
    #expect(blocks.contains("block 3 ") && blocks.contains("block 4 ") && !blocks.contains("block 5 "), "\(blocks)")
    #expect(try await Self.tool(["dump", path, "--from", "here"]).status == 64)
  }
}
