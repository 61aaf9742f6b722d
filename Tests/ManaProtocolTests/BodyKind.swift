import ManaProtocol
import ManaTesting

/// Each kind of body that the codec can read, with a sample and a reader that touches every byte the decoder offers.
enum BodyKind: CaseIterable {
  case hello, welcome, error, batch, compactReply, fullReply, listTransactions, page, account, balanceAt, lookup, status
  case shardStatus

  /// A valid body.
  var sample: [UInt8] {
    switch self {
    case .hello:
      var hello = Hello(ledger: 7, instance: 8, clientName: "loader")
      hello.extensions.append(HandshakeExtension(kind: HandshakeExtension.token, value: Array(1...11)))
      return hello.encoded
    case .welcome:
      return Welcome(shardCount: 2, ledger: 7, instance: 9, shardHashSeed: 11, time: 13, serverName: "mana 1").encoded
    case .error: return ErrorBody(detail: 3, text: "Größe").encoded
    case .batch: return BatchBuilder(Self.sampleBatch).body
    case .compactReply: return Self.reply(stride: ItemResult.compactBytes)
    case .fullReply: return Self.reply(stride: ItemResult.fullBytes)
    case .listTransactions:
      var query = HistoryQuery(account: 42, limit: 10)
      query.types = 2
      query.timeTo = 5
      return Self.bytes(104) { base in
        query.store(to: base, referenceBytes: 4)
        base.store(u32: 0x315F_6970, 96)
      }
    case .page: return Self.samplePage
    case .account:
      let overview = AccountOverview(
        account: 42, balance: 5, unsettled: 1, unsettledCount: 1, transactions: 2, firstTimestamp: 3, lastTimestamp: 4,
        operations: [OperationTotal](repeating: OperationTotal(amount: 9, count: 1), count: 8))
      return Self.bytes(AccountOverview.bytes) { overview.store(to: $0) }
    case .balanceAt:
      return Self.bytes(BalanceAt.bytes) { BalanceAt(balance: -1, sequence: 2, timestamp: 3).store(to: $0) }
    case .lookup:
      return Self.bytes(LookupReplyView.bodyBytes(textBytes: 5)) { base in
        base.store(u32: 5, 0)
        Self.storeTransaction(to: base + 8, referenceBytes: 3, noteBytes: 2)
        for index in 0..<5 { base.store(u8: UInt8(ascii: "a"), 104 + index) }
      }
    case .status:
      var status = ServerStatus()
      status.accounts = 5
      return Self.bytes(ServerStatus.bytes) { status.store(to: $0) }
    case .shardStatus:
      var shard = ShardStatus()
      shard.flushNanoseconds = 5
      return ShardStatusReply(uptimeNanoseconds: 7, shards: [shard, shard]).encoded
    }
  }

  /// Decodes `body` and adds up all that it says, so that no part of it stays unread.
  func read(_ body: UnsafeRawBufferPointer) throws(ProtocolError) -> Int {
    switch self {
    case .hello:
      let hello = try Hello(reading: body)
      return hello.clientName.count + hello.extensions.reduce(0) { $0 + $1.value.count }
    case .welcome:
      let welcome = try Welcome(reading: body)
      return welcome.serverName.count + welcome.extensions.reduce(0) { $0 + $1.value.count }
    case .error: return try ErrorBody(reading: body).text.count
    case .batch:
      let view = try BatchView(reading: body)
      return (0..<view.count).reduce(Self.sum(view.text)) { $0 + Int(Item(reading: view[$1].base).noteBytes) }
    case .compactReply, .fullReply:
      let view = try BatchReplyView(reading: body)
      return (0..<view.count).reduce(0) { $0 + Int(view[$1]?.sequence ?? 0) }
    case .listTransactions: return Self.sum(try HistoryQuery.read(body).reference)
    case .page:
      let view = try HistoryReplyView(reading: body)
      return (0..<view.prelude.count).reduce(Self.sum(view.text)) { $0 + Self.touch(view[$1]) }
    case .account: return try AccountOverview(reading: body).operations.count
    case .balanceAt: return Int(truncatingIfNeeded: try BalanceAt(reading: body).timestamp)
    case .lookup:
      let view = try LookupReplyView(reading: body)
      return Self.sum(view.text) + Self.touch(view.transaction)
    case .status: return Int(try ServerStatus(reading: body).shardCount)
    case .shardStatus:
      return try ShardStatusReply(reading: body).shards.reduce(0) {
        $0 &+ Int(truncatingIfNeeded: $1.flushNanoseconds &+ $1.requestHistogram.count &+ $1.flushHistogram.count)
      }
    }
  }
}

extension BodyKind {
  static let sampleBatch: ItemBatch = {
    var purchase = ItemDraft.purchase(1, 42, 5_000_000)
    purchase.reference = [UInt8]("pi_1".utf8)
    purchase.note = [UInt8]("$5 pack".utf8)
    return ItemBatch([purchase, .spend(2, 42, 1, timeout: 2_000), .settlement(3, 42, of: 2, used: nil)])
  }()

  static func bytes(_ count: Int, _ store: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { store($0.baseAddress!) }
    return bytes
  }

  private static func reply(stride: Int) -> [UInt8] {
    bytes(BatchReplyView.bodyBytes(count: 3, stride: stride)) { base in
      BatchReplyView.storePrelude(to: base, stride: stride, count: 3, posted: 1, replayed: 1)
      let results = [
        ItemResult(status: .ok, sequence: 1, amount: 5, balance: 5, timestamp: 9),
        ItemResult(status: .ok, replayed: true, sequence: 1, amount: 5, balance: 5, timestamp: 9),
        ItemResult(status: .idConflict, field: .amount, balance: 5),
      ]
      for (index, result) in results.enumerated() { result.store(to: base + 16 + index * stride, stride: stride) }
    }
  }

  private static var samplePage: [UInt8] {
    bytes(48 + 2 * 96 + 8) { base in
      HistoryReplyPrelude(count: 2, more: true, total: 9, next: 3, balance: 5, textBytes: 5, examined: 2)
        .store(to: base)
      storeTransaction(to: base + 48, referenceBytes: 2, noteBytes: 1)
      storeTransaction(to: base + 144, referenceBytes: 0, noteBytes: 2)
      for index in 0..<5 { base.store(u8: UInt8(ascii: "t"), 240 + index) }
    }
  }

  private static func storeTransaction(to base: UnsafeMutableRawPointer, referenceBytes: Int, noteBytes: Int) {
    Item(
      id: 5, account: 42, amount: 7, type: .spend, operation: .export, referenceBytes: referenceBytes,
      noteBytes: noteBytes
    ).store(to: base)
    base.store(i64: 8, 64)
    base.store(u64: 1_000, 72)
    TransactionView.storeReplyFields(to: base, refunded: 2, settlement: .none)
    base.store(u32: 3, 92)
  }

  private static func sum(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.reduce(0) { $0 + Int($1) } }

  private static func touch(_ view: TransactionView) -> Int {
    Int(view.sequence) + Int(view.settlement?.rawValue ?? 0) + Int(Item(reading: view.base).noteBytes)
  }
}
