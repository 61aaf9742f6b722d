import Foundation
import ManaProtocol
import Testing

/// The real server begins with its newest checkpoint that is of use, and says so.
@Suite struct CheckpointTests {
  private static let small = ["--segment-bytes", "65536", "--checkpoint-bytes", "65536"]

  /// A number that the log has behind a name in the line of the recovery.
  private static func recovered(_ name: String, _ server: ServerProcess) throws -> Int {
    let log = try server.log
    let line = try #require(log.split(separator: "\n").first { $0.contains("recovered: ") })
    let found = try #require(line.split(separator: " ").first { $0.hasPrefix(name + "=") })
    return try #require(Int(found.dropFirst(name.count + 1)))
  }

  private static func checkpoints(_ data: TemporaryDirectory) throws -> [URL] {
    let shard = data.url.appending(path: "ledger/shard-000")
    return try FileManager.default.contentsOfDirectory(at: shard, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "checkpoint" }.sorted { $0.path() < $1.path() }
  }

  /// Posts until the server has made `count` checkpoints.
  private static func post(
    _ caller: inout Caller, to server: ServerProcess, from first: UInt64, untilCheckpoints count: Int
  ) throws -> UInt64 {
    var next = first
    let deadline = Date(timeIntervalSinceNow: 60)
    while try server.log.components(separatedBy: "checkpoint made").count <= count {
      let spends = (next..<next + 200).map { caller.spend(id: UInt128($0)) }
      #expect(try caller.post(spends).allSatisfy { $0.status == .ok })
      next += 200
      // The thread that makes it gives way to others.
      Thread.sleep(forTimeInterval: 0.005)
      try #require(Date() < deadline, "no checkpoint was made")
    }
    return next
  }

  private static func verify(_ data: TemporaryDirectory) async throws -> (status: Int32, shard: [String: Any]) {
    let outcome = try await Programs.run(
      Programs.folder.appending(path: "mana-server"),
      ["verify", data.url.appending(path: "ledger").path(), "--json"])
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    return (outcome.status, try #require((object["shards"] as? [[String: Any]])?.first))
  }

  @Test func aKilledServerBeginsWithTheNewest() async throws {
    let data = try TemporaryDirectory()
    let first = try ServerProcess(data: data, shards: 1, arguments: Self.small)
    var caller = try Caller(first, account: 7)
    _ = try caller.credit(1_000_000_000_000, id: 1)
    _ = try Self.post(&caller, to: first, from: 2, untilCheckpoints: 3)
    first.kill()
    #expect(try Self.checkpoints(data).count == 2)
    let second = try ServerProcess(data: data, arguments: Self.small)
    caller = try Caller(second, account: 7)
    let overview = try caller.overview()
    #expect(overview.transactions > 2_000)
    #expect(try Self.recovered("transactions", second) == Int(overview.transactions))
    #expect(try Self.recovered("executed", second) < Int(overview.transactions))
    // Whatever was posted before is known.
    #expect(try caller.post([caller.spend(id: 2)])[0].replayed)
    #expect(second.terminate() == 0)
    let (status, shard) = try await Self.verify(data)
    let found = try #require(shard["checkpoints"] as? [[String: Any]])
    #expect(status == 0 && found.count == 2 && found.allSatisfy { $0["sound"] as? Bool == true })
    // The last one was made at the end.
    let third = try ServerProcess(data: data, arguments: Self.small)
    #expect(try Self.recovered("executed", third) == 0 && Self.recovered("transactions", third) > 2_000)
    third.kill()
    let fourth = try ServerProcess(data: data, arguments: ["--checkpoint-bytes", "0"])
    #expect(try Self.recovered("executed", fourth) == Self.recovered("transactions", fourth), "none is begun with")
    #expect(fourth.terminate() == 0)
  }

  @Test func oneThatIsDamagedIsPassedOver() async throws {
    let data = try TemporaryDirectory()
    let first = try ServerProcess(data: data, shards: 1, arguments: Self.small)
    var caller = try Caller(first, account: 7)
    _ = try caller.credit(1_000_000_000_000, id: 1)
    _ = try Self.post(&caller, to: first, from: 2, untilCheckpoints: 2)
    #expect(first.terminate() == 0)
    for path in try Self.checkpoints(data) {
      var bytes = try Data(contentsOf: path)
      bytes[bytes.count / 2] ^= 4
      try bytes.write(to: path)
    }
    let (status, shard) = try await Self.verify(data)
    let found = try #require(shard["checkpoints"] as? [[String: Any]])
    #expect(status == 0 && found.count == 2 && found.allSatisfy { ($0["fault"] as? String)?.contains("hash") == true })
    let second = try ServerProcess(data: data, arguments: Self.small)
    #expect(try second.log.components(separatedBy: "a checkpoint was passed over").count == 3)
    #expect(try Self.recovered("executed", second) == Self.recovered("transactions", second))
    caller = try Caller(second, account: 7)
    #expect(try caller.post([caller.spend(id: 2)])[0].replayed)
    #expect(second.terminate() == 0)
    let third = try ServerProcess(data: data, arguments: Self.small)
    #expect(try Self.recovered("executed", third) == 0)
    #expect(third.terminate() == 0)
  }

  /// What the checkpoint knows and the journal does not have was lost: the start says so, and salvage gives it up.
  @Test func aJournalThatIsShorterThanItsCheckpointIsRefused() async throws {
    let data = try TemporaryDirectory()
    let first = try ServerProcess(data: data, shards: 1, arguments: ["--segment-bytes", "65536"])
    var caller = try Caller(first, account: 7)
    _ = try caller.credit(1_000_000_000_000, id: 1)
    for id in 2..<10 as Range<UInt128> { _ = try caller.post([caller.spend(id: id)]) }
    #expect(first.terminate() == 0)
    #expect(try Self.checkpoints(data).count == 1)
    let segment = data.url.appending(path: "ledger/shard-000/0000000000.segment")
    var bytes = try Data(contentsOf: segment)
    let kept = 5 * 512
    bytes.replaceSubrange(kept..<bytes.count, with: Data(count: bytes.count - kept))
    try bytes.write(to: segment)
    let error = #expect(throws: ServerProcess.DidNotStart.self) { try ServerProcess(data: data) }
    #expect(error?.status == 65)
    #expect(error?.errors.contains("checkpoint") == true, "\(error?.errors ?? "")")
    let (status, shard) = try await Self.verify(data)
    #expect(status == 65 && shard["damage"] != nil)
    let salvage = try await Programs.run(
      Programs.folder.appending(path: "mana-server"),
      ["salvage", data.url.appending(path: "ledger").path(), "--accept-loss"])
    #expect(salvage.status == 0, "\(salvage.output)\(salvage.errors)")
    let second = try ServerProcess(data: data)
    caller = try Caller(second, account: 7)
    #expect(try caller.overview().transactions == 5)
    #expect(second.terminate() == 0)
  }
}
