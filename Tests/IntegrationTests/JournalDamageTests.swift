import Foundation
import ManaProtocol
import Testing

/// What the real server makes of a journal that is not as it left it.
@Suite struct JournalDamageTests {
  /// A ledger with one block a charge, and the server killed.
  private static func makeLedger(charges: Int) throws -> (data: TemporaryDirectory, segment: URL) {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 1, arguments: ["--segment-bytes", "65536"])
    var caller = try Caller(server, account: 7)
    _ = try caller.credit(1_000_000, id: 1)
    for id in 0..<charges { _ = try caller.post([caller.spend(id: UInt128(id + 2))]) }
    server.kill()
    return (data, Segments.first(of: data.url.appending(path: "ledger").path(), shard: 0))
  }

  @Test(arguments: [0, 4, 40, 100, 159, 160, 200, 255, 300])
  func aFlippedBitInTheMiddleRefusesTheStart(offset: Int) throws {
    let (data, segment) = try Self.makeLedger(charges: 20)
    var bytes = try Data(contentsOf: segment)
    let block = Segments.blocks(of: bytes)[10]
    bytes[block + offset] ^= 0x10
    try bytes.write(to: segment)
    let error = #expect(throws: ServerProcess.DidNotStart.self) { try ServerProcess(data: data) }
    #expect(error?.status == 65)
    let message = error?.errors ?? ""
    #expect(message.contains("0000000000.segment"), "\(message)")
    #expect(message.contains("block 11"), "\(message)")
    #expect(message.contains("byte \(block)"), "\(message)")
    #expect(try Data(contentsOf: segment) == bytes, "a refused start changed the journal")
  }

  @Test func aTailCutAnywhereStartsWithWholeBlocks() throws {
    let (data, segment) = try Self.makeLedger(charges: 12)
    let bytes = try Data(contentsOf: segment)
    let blocks = Segments.blocks(of: bytes)
    try #require(blocks.count > 5)
    let end = blocks[blocks.count - 1] + 512
    var kept: [Int] = []
    for cut in stride(from: end, through: blocks[2], by: -149) {
      var torn = bytes
      torn.replaceSubrange(cut..<end, with: Data(count: end - cut))
      try torn.write(to: segment)
      let server = try ServerProcess(data: data)
      var caller = try Caller(server, account: 7)
      let overview = try caller.overview()
      kept.append(Int(overview.transactions))
      #expect(overview.balance == 1_000_000 - Int64(overview.transactions - 1), "cut at \(cut)")
      // What follows is written over the cut, in a new epoch.
      let result = try caller.post([caller.spend(id: UInt128(9_000 + cut))])[0]
      #expect(result.status == .ok && result.sequence == UInt32(overview.transactions) + 1)
      server.kill()
    }
    #expect(kept == kept.sorted(by: >), "a shorter journal had more transactions: \(kept)")
    #expect(Set(kept).count > 5, "the cuts did not go through several blocks: \(kept)")
  }

  @Test(arguments: [0, 1, 2]) func oneShardThatCannotBeReadEndsTheServer(shard: Int) throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 3, arguments: ["--segment-bytes", "65536"])
    var caller = try Caller(server, account: 7)
    let credits = (1...90).map { Item(id: 1, account: $0, amount: 9, type: .bonus, operation: .bonus) }
    for _ in 0..<3 { #expect(try caller.post(credits).allSatisfy { $0.status == .ok }) }
    #expect(server.terminate() == 0)
    let segment = Segments.first(of: data.url.appending(path: "ledger").path(), shard: shard)
    var bytes = try Data(contentsOf: segment)
    bytes[200] ^= 1
    try bytes.write(to: segment)
    let error = #expect(throws: ServerProcess.DidNotStart.self) { try ServerProcess(data: data) }
    #expect(error?.status == 65)
    #expect(error?.errors.contains("shard-00\(shard)/0000000000.segment") == true, "\(error?.errors ?? "")")
  }

  @Test func aDirectoryHasOneServer() throws {
    let data = try TemporaryDirectory()
    let first = try ServerProcess(data: data)
    let error = #expect(throws: ServerProcess.DidNotStart.self) { try ServerProcess(data: data) }
    #expect(error?.status == 69)
    #expect(error?.errors.contains("in use by process") == true, "\(error?.errors ?? "")")
    #expect(first.isRunning)
  }

  @Test func theNumberOfShardsIsFixed() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    #expect(server.terminate() == 0)
    let error = #expect(throws: ServerProcess.DidNotStart.self) { try ServerProcess(data: data, shards: 3) }
    #expect(error?.errors.contains("made with 2 shards") == true, "\(error?.errors ?? "")")
  }
}
