import ManaProtocol
import ManaTesting
import Testing

/// The codec against `Protocol/vectors`, which another implementation wrote.
@Suite struct GoldenVectorTests {
  /// What the frame means; nil and a status when the codec refuses it.
  private func decode(_ vector: GoldenVector) -> (frame: JSONValue?, status: String?) {
    let guarded = GuardedBytes(vector.bytes)
    do {
      return (
        try FrameDescription.describe(guarded.bytes, stage: vector.stage, direction: vector.direction), nil
      )
    } catch {
      return (nil, (error as? ProtocolError)?.status.name)
    }
  }

  @Test func vectorsAreThere() {
    let all = GoldenVector.all
    #expect(all.count { $0.isValid } > 100)
    #expect(all.count { !$0.isValid && Self.isDecidedByCodec($0) } > 150)
    #expect(all.count { $0.error?["level"] == .string("item") } > 80)
  }

  @Test(arguments: GoldenVector.all.filter { $0.isValid })
  func validFramesMeanWhatIsStated(_ vector: GoldenVector) {
    let (frame, status) = decode(vector)
    #expect(status == nil)
    #expect(frame?.difference(from: vector.frame?.withoutCriticalBits) == nil)
  }

  @Test(arguments: GoldenVector.all.filter { !$0.isValid && $0.stage != "preface" && Self.isDecidedByCodec($0) })
  func brokenFramesAreRefusedAsStated(_ vector: GoldenVector) {
    let (_, status) = decode(vector)
    // There is no status for a `welcome` that is none, for there is nobody to send it to; the codec names it like a
    // `hello`.
    let statuses = vector.statuses + (vector.name.hasPrefix("welcome-") ? ["malformedHello"] : [])
    #expect(statuses.contains(status ?? "accepted"))
  }

  /// Frames that the codec rightly decodes and something else refuses: an item's status is the ledger's matter.
  @Test(arguments: GoldenVector.all.filter { $0.error?["level"] == .string("item") })
  func refusedItemsMeanWhatIsStated(_ vector: GoldenVector) throws {
    #expect(try #require(decode(vector).frame).difference(from: vector.frame) == nil)
  }

  /// The statuses of items that are refused whatever the ledger holds, from the reference ledger.
  @Test(arguments: GoldenVector.all.filter { $0.error?["level"] == .string("item") })
  func refusedItemsHaveTheStatedStatus(_ vector: GoldenVector) throws {
    let statuses = try #require(vector.error?["itemStatuses"]?.list)
    let batch = try batch(of: vector)
    var ledger = ReferenceLedger { $0 + 1 }
    let results = ledger.post(batch, now: 1).results
    #expect(results.count == statuses.count)
    for (result, status) in zip(results, statuses) where status != .null {
      #expect(result.status.name == status.string)
    }
  }

  @Test func checksums() {
    let values = GoldenVector.values("checksums")
    #expect(!values.isEmpty)
    for value in values {
      let bytes = GoldenVector.bytes(hex: value["hex"]!.string!)
      let expected = UInt32(value["crc32c"]!.string!, radix: 16)
      #expect(bytes.withUnsafeBytes { crc32c($0) } == expected, "\(value)")
    }
  }

  @Test func shards() throws {
    let values = GoldenVector.values("shards")
    #expect(!values.isEmpty)
    for value in values {
      let seed = try #require(value["shardHashSeed"]?.string.flatMap { UInt64($0) })
      let account = try #require(value["account"]?.string.flatMap { UInt128($0) })
      let map = ShardMap(shardCount: try #require(value["shardCount"]?.number), seed: seed)
      #expect(map.shard(of: account) == value["shard"]?.number, "\(value)")
    }
  }

  /// Whether what is wrong is in the layout of the frame, not in when or by whom it was sent. Requests of fixed size
  /// without a decoder of their own, and what depends on the connection's state, are the server's to refuse.
  private static func isDecidedByCodec(_ vector: GoldenVector) -> Bool {
    let byConnection: Set = [
      "helloExpected", "unexpectedHello", "wrongLedger", "atomicAccountsDiffer", "unknownOpcode",
    ]
    let byServer = ["unsettled-", "get-account-", "lookup-", "balance-at-", "ping-", "server-status-"]
    // What a request may have wrong in its header alone makes a `hello` malformed, which the server says.
    let ofTheHelloFrame: Set = [
      "hello-correlation", "hello-flags", "hello-status", "hello-reserved", "precedence-flags-version",
    ]
    return vector.error?["level"] != .string("item") && byConnection.isDisjoint(with: vector.statuses)
      && !(vector.direction == "client" && byServer.contains { vector.name.hasPrefix($0) })
      && !(vector.direction == "server" && vector.name == "ping-72") && !ofTheHelloFrame.contains(vector.name)
  }

  private func batch(of vector: GoldenVector) throws -> ItemBatch {
    let guarded = GuardedBytes(vector.bytes)
    let header = try FrameHeader(reading: guarded.bytes.baseAddress!)
    let view = try BatchView(reading: header.body(at: guarded.bytes.baseAddress!))
    var text = view.text[...]
    let drafts = (0..<view.count).map { index in
      let item = view[index]
      defer { text = text.dropFirst(item.textBytes) }
      return ItemDraft(
        Item(reading: item.base), reference: Array(text.prefix(item.referenceBytes)),
        note: Array(text.dropFirst(item.referenceBytes).prefix(item.noteBytes)))
    }
    return ItemBatch(
      drafts, itemType: Opcode(rawValue: header.opcode)?.itemType, atomic: view.flags.contains(.atomic))
  }
}

extension JSONValue {
  /// A frame whose extensions have the kinds that the codec gives: the bit that says *critical* has done its work by
  /// then.
  fileprivate var withoutCriticalBits: JSONValue {
    switch self {
    case .object(let object):
      return .object(
        Dictionary(
          uniqueKeysWithValues: object.map { key, value in
            if key == "kind", case .number(let kind) = value { return (key, .number(kind & 0x7FFF)) }
            return (key, value.withoutCriticalBits)
          }))
    case .list(let list): return .list(list.map(\.withoutCriticalBits))
    default: return self
    }
  }
}
