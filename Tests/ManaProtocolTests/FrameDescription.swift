import ManaProtocol

/// A frame as the golden vectors describe it, made with nothing but the codec.
struct FrameDescription {
  let header: FrameHeader
  let isReply: Bool

  /// Decodes `bytes` as a receiver would. Throws what the codec finds wrong.
  static func describe(_ bytes: UnsafeRawBufferPointer, stage: String, direction: String) throws -> JSONValue {
    let base = bytes.baseAddress!
    let isHello = stage == "handshake" && direction == "client"
    let header = try FrameHeader(
      reading: base, frameBytesMax: isHello ? Limits.helloBytesMax : Limits.frameBytesMax)
    let body = try header.body(at: base)
    if direction == "client" { try header.checkRequestReserved() } else { try header.checkReplyReserved() }
    let known = Opcode(rawValue: header.opcode)
    let isReply = known == nil
    guard let opcode = known ?? Opcode(rawValue: header.opcode & ~Opcode.replyBit) else {
      throw ProtocolError(.unknownOpcode, "opcode \(header.opcode)")
    }
    let description = FrameDescription(header: header, isReply: isReply)
    var fields: [String: JSONValue] = [
      "length": .number(header.length), "version": .number(1), "headerWords": .number(header.headerBytes / 8),
      "opcode": .string("\(opcode)"), "reply": .bool(isReply), "correlation": .decimal(header.correlation),
      "flags": .names(UInt64(header.flags.rawValue), ["notExecuted", "retryable"]),
      "status": Status(rawValue: header.status).map { .string($0.name) } ?? .number(Int(header.status)),
      "microseconds": .number(Int(header.microseconds)), "body": try description.describe(body, opcode),
    ]
    if let trace = TraceContext(in: header.extensions(at: base)) {
      fields["traceContext"] = .object([
        "traceFlags": .number(Int(trace.flags)), "span": .decimal(trace.span), "trace": .decimal(trace.trace),
      ])
    }
    return .object(fields)
  }

  private func describe(_ body: UnsafeRawBufferPointer, _ opcode: Opcode) throws -> JSONValue {
    if opcode == .goAway || header.status != 0 { return try describeError(body) }
    if isReply { return try describeReply(body, opcode) }
    switch opcode {
    case .hello: return try describeHello(body)
    case .welcome: return try describeWelcome(body)
    case .listTransactions: return try describeQuery(body)
    case .ping: return .object(["payloadHex": .hex(body)])
    case .serverStatus: return .object([:])
    case .drain:
      guard body.isEmpty else { throw ProtocolError(.malformedBody, "drain has no body") }
      return .object([:])
    case .shardStatus:
      return .object(["firstShard": .number(try ShardStatusReply.firstShard(reading: body))])
    case .getAccount: return .object(["account": .decimal(body.baseAddress!.u128(0))])
    case .lookupTransaction:
      return .object(["account": .decimal(body.baseAddress!.u128(0)), "id": .decimal(body.baseAddress!.u128(16))])
    case .balanceAt:
      return .object(["account": .decimal(body.baseAddress!.u128(0)), "time": .decimal(body.baseAddress!.u64(16))])
    case .listUnsettled:
      return .object([
        "account": .decimal(body.baseAddress!.u128(0)), "start": .decimal(body.baseAddress!.u64(16)),
        "limit": .number(Int(body.baseAddress!.u32(24))),
      ])
    default: return try describeBatch(body)
    }
  }

  private func describeReply(_ body: UnsafeRawBufferPointer, _ opcode: Opcode) throws -> JSONValue {
    switch opcode {
    case .listTransactions, .listUnsettled: return try describePage(body)
    case .getAccount: return try describeAccount(body)
    case .lookupTransaction:
      let view = try LookupReplyView(reading: body)
      return .object([
        "textBytes": .number(view.text.count), "transaction": Self.describe(view.transaction, text: view.text[...]),
      ])
    case .balanceAt:
      let balance = try BalanceAt(reading: body)
      return .object([
        "balance": .decimal(balance.balance), "sequence": .decimal(balance.sequence),
        "timestamp": .decimal(balance.timestamp),
      ])
    case .ping: return .object(["payloadHex": .hex(body)])
    case .serverStatus: return try describeServerStatus(body)
    case .shardStatus: return try describeShardStatus(body)
    case .drain:
      guard body.isEmpty else { throw ProtocolError(.malformedBody, "the answer to drain has no body") }
      return .object([:])
    default: return try describeResults(body)
    }
  }

  private func describeError(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let error = try ErrorBody(reading: body)
    return .object([
      "textBytes": .number(error.text.utf8.count), "detail": .number(Int(error.detail)), "text": .string(error.text),
    ])
  }
}

extension FrameDescription {
  private func describeHello(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let hello = try Hello(reading: body)
    return .object([
      "versionMin": .number(Int(hello.versionMin)), "versionMax": .number(Int(hello.versionMax)),
      "features": .decimal(hello.features), "ledger": .decimal(hello.ledger), "instance": .decimal(hello.instance),
      "frameBytesMax": .number(hello.frameBytesMax), "extensions": .extensions(hello.extensions),
      "texts": .texts(hello.extensions),
    ])
  }

  private func describeWelcome(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let welcome = try Welcome(reading: body)
    return .object([
      "version": .number(Int(welcome.version)), "shardCount": .number(welcome.shardCount),
      "features": .decimal(welcome.features), "ledger": .decimal(welcome.ledger),
      "instance": .decimal(welcome.instance), "frameBytesMax": .number(welcome.frameBytesMax),
      "itemsMax": .number(welcome.itemsMax), "requestsInFlightMax": .number(welcome.requestsInFlightMax),
      "bytesInFlightMax": .number(welcome.bytesInFlightMax), "shardHashSeed": .decimal(welcome.shardHashSeed),
      "time": .decimal(welcome.time), "pageMax": .number(welcome.pageMax),
      "extensions": .extensions(welcome.extensions), "texts": .texts(welcome.extensions),
    ])
  }

  private func describeBatch(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let view = try BatchView(reading: body)
    var text = view.text[...]
    return .object([
      "itemStride": .number(Item.bytes), "flags": .names(UInt64(view.flags.rawValue), ["atomic", "fullResults"]),
      "itemCount": .number(view.count), "textBytes": .number(view.text.count),
      "items": .list((0..<view.count).map { .object(Self.describe(view[$0], text: &text)) }),
    ])
  }

  private func describeResults(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let view = try BatchReplyView(reading: body)
    let results = try (0..<view.count).map { index -> JSONValue in
      guard let result = view[index] else { throw ProtocolError(.reservedBits, "a result of a later version") }
      var fields: [String: JSONValue] = [
        "status": .string(result.status.name), "flags": .names(result.replayed ? 1 : 0, ["replayed"]),
        "field": result.field.map { .string("\($0)") } ?? .number(0), "sequence": .number(Int(result.sequence)),
        "amount": .decimal(result.amount),
      ]
      if view.stride == ItemResult.fullBytes {
        fields["balance"] = .decimal(result.balance)
        fields["timestamp"] = .decimal(result.timestamp)
        fields["refundable"] = .decimal(result.refundable)
      }
      return .object(fields)
    }
    return .object([
      "resultStride": .number(view.stride), "itemCount": .number(view.count), "postedCount": .number(view.postedCount),
      "replayedCount": .number(view.replayedCount), "results": .list(results),
    ])
  }

  private func describeQuery(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let (query, reference) = try HistoryQuery.read(body)
    let types = [""] + TransactionType.allCases.map(\.name)
    let operations = [""] + ManaProtocol.Operation.allCases.map(\.name)
    return .object(
      [
        "account": .decimal(query.account), "start": .decimal(query.start), "limit": .number(query.limit),
        "flags": .names(query.oldestFirst ? 1 : 0, ["oldestFirst"]), "types": .names(UInt64(query.types), types),
        "operations": .names(UInt64(query.operations), operations), "timeFrom": .decimal(query.timeFrom),
        "timeTo": .decimal(query.timeTo), "amountMin": .decimal(query.amountMin),
        "amountMax": .decimal(query.amountMax), "related": .decimal(query.related),
      ].merging(JSONValue.text("reference", reference[...])) { $1 })
  }

  private func describePage(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let view = try HistoryReplyView(reading: body)
    var text = view.text[...]
    let transactions = (0..<view.prelude.count).map { index in
      let transaction = Self.describe(view[index], text: text)
      text = text.dropFirst(view[index].item.textBytes)
      return transaction
    }
    return .object([
      "count": .number(view.prelude.count), "flags": .names(view.prelude.more ? 1 : 0, ["more"]),
      "total": .decimal(view.prelude.total), "next": .decimal(view.prelude.next),
      "balance": .decimal(view.prelude.balance), "textBytes": .number(view.prelude.textBytes),
      "stride": .number(TransactionView.bytes), "examined": .decimal(view.prelude.examined),
      "transactions": .list(transactions),
    ])
  }

  private func describeAccount(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let overview = try AccountOverview(reading: body)
    let operations = ManaProtocol.Operation.allCases.map { operation in
      JSONValue.object([
        "operation": .string(operation.name), "amount": .decimal(overview[operation].amount),
        "count": .decimal(overview[operation].count),
      ])
    }
    return .object([
      "account": .decimal(overview.account), "balance": .decimal(overview.balance),
      "lifetimeSpent": .decimal(overview.lifetime(.spend)),
      "lifetimePurchased": .decimal(overview.lifetime(.purchase)),
      "lifetimeRefunded": .decimal(overview.lifetime(.refund)), "lifetimeBonus": .decimal(overview.lifetime(.bonus)),
      "unsettled": .decimal(overview.unsettled), "transactions": .decimal(overview.transactions),
      "firstTimestamp": .decimal(overview.firstTimestamp), "lastTimestamp": .decimal(overview.lastTimestamp),
      "unsettledCount": .decimal(overview.unsettledCount), "operationCount": .number(overview.operations.count),
      "operations": .list(operations),
    ])
  }

  private func describeServerStatus(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let status = try ServerStatus(reading: body)
    return .object([
      "uptimeNanoseconds": .decimal(status.uptimeNanoseconds), "accounts": .decimal(status.accounts),
      "transactions": .decimal(status.transactions), "postedSinceStart": .decimal(status.postedSinceStart),
      "blocksSinceStart": .decimal(status.blocksSinceStart),
      "flushNanosecondsLast": .decimal(status.flushNanosecondsLast), "residentBytes": .decimal(status.residentBytes),
      "connections": .number(Int(status.connections)), "shardCount": .number(Int(status.shardCount)),
    ])
  }
}

extension FrameDescription {
  private func describeShardStatus(_ body: UnsafeRawBufferPointer) throws -> JSONValue {
    let status = try ShardStatusReply(reading: body)
    let shards = status.shards.map { shard in
      var members: [String: JSONValue] = [
        "requestHistogram": .list(shard.requestHistogram.buckets.map { .decimal($0) }),
        "flushHistogram": .list(shard.flushHistogram.buckets.map { .decimal($0) }),
        "checkpointBlock": .decimal(shard.checkpointBlock),
      ]
      for field in ShardStatus.fields { members[field.name] = .decimal(shard[keyPath: field.path]) }
      return JSONValue.object(members)
    }
    return .object([
      "uptimeNanoseconds": .decimal(status.uptimeNanoseconds), "rowCount": .number(shards.count),
      "shards": .list(shards),
    ])
  }

  private static func describe(
    _ item: ItemView, text: inout Slice<UnsafeRawBufferPointer>
  ) -> [String: JSONValue] {
    let reference = text.prefix(item.referenceBytes)
    let note = text.dropFirst(reference.count).prefix(item.noteBytes)
    text = text.dropFirst(item.textBytes)
    let flagNames = ["", "", "", "", "remaining", "voidIfUnknown", "unsettled"]
    return [
      "id": .decimal(item.id), "account": .decimal(item.account), "related": .decimal(item.related),
      "amount": .decimal(item.amount), "quantity": .number(Int(item.quantity)),
      "type": TransactionType(rawValue: item.type).map { .string($0.name) } ?? .number(Int(item.type)),
      "operation": ManaProtocol.Operation(rawValue: item.operation).map { .string($0.name) }
        ?? .number(Int(item.operation)),
      "flags": .names(UInt64(item.flags.rawValue), flagNames),
    ].merging(JSONValue.text("reference", reference)) { $1 }.merging(JSONValue.text("note", note)) { $1 }
  }

  private static func describe(_ view: TransactionView, text: Slice<UnsafeRawBufferPointer>) -> JSONValue {
    var text = text
    return .object(
      describe(view.item, text: &text).merging([
        "balanceAfter": .decimal(view.balanceAfter), "timestamp": .decimal(view.timestamp),
        "refunded": .decimal(view.refunded), "settlement": .number(Int(view.settlement?.rawValue ?? 255)),
        "sequence": .number(Int(view.sequence)),
      ]) { $1 })
  }
}

extension JSONValue {
  static func decimal(_ value: some BinaryInteger) -> JSONValue { .string("\(value)") }

  static func hex(_ bytes: some Sequence<UInt8>) -> JSONValue {
    .string(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
  }

  /// The names of the bits that are set, lowest first; one without a name is `bitN`.
  static func names(_ bits: UInt64, _ names: [String]) -> JSONValue {
    .list(
      (0..<64).filter { bits >> UInt64($0) & 1 != 0 }.map { bit in
        .string(bit < names.count && names[bit] != "" ? names[bit] : "bit\(bit)")
      })
  }

  /// A text under its name, or one that is not UTF-8 as hexadecimal digits.
  static func text(_ name: String, _ bytes: Slice<UnsafeRawBufferPointer>) -> [String: JSONValue] {
    if let text = String(validating: bytes, as: UTF8.self) { return [name: .string(text)] }
    return ["\(name)Hex": .hex(bytes)]
  }

  /// What a receiver understands: of each known kind the first, empty when it is not UTF-8.
  static func texts(_ extensions: [HandshakeExtension]) -> JSONValue {
    let names = [
      HandshakeExtension.clientName: "clientName", HandshakeExtension.token: "token",
      HandshakeExtension.serverName: "serverName",
    ]
    let known = extensions.compactMap { part in
      names[part.kind].map { ($0, JSONValue.string(String(validating: part.value, as: UTF8.self) ?? "")) }
    }
    return .object(Dictionary(known) { first, _ in first })
  }

  static func extensions(_ extensions: [HandshakeExtension]) -> JSONValue {
    .list(extensions.map { .object(["kind": .number(Int($0.kind)), "valueHex": .hex($0.value)]) })
  }
}
