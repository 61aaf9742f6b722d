import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// Executing the calls that change nothing.
extension Shard {
  /// Answers a read here, or sends it to the shard of its account. False when an earlier request has to be executed
  /// first.
  func read(_ request: Request, of session: Session) throws(ProtocolError) -> Bool {
    switch request.opcode {
    case .ping:
      guard request.body.count <= Limits.pingBytesMax else {
        throw ProtocolError(.malformedBody, "a ping of \(request.body.count) bytes; the most is \(Limits.pingBytesMax)")
      }
      send(replyHeader(to: request.header), with: request.body, to: session)
      return true
    case .serverStatus:
      guard request.body.isEmpty else { throw ProtocolError(.malformedBody, "serverStatus has no body") }
      try takeFromRate(1, of: session)
      send(replyHeader(to: request.header), bodyBytes: ServerStatus.bytes, to: session) {
        context.status(uptimeNanoseconds: loop.nowNanoseconds &- startedAt).store(to: $0)
      }
      return true
    case .shardStatus:
      try takeFromRate(1, of: session)
      send(replyHeader(to: request.header), with: try shardStatus(request.body, of: session).encoded, to: session)
      return true
    case .drain:
      guard request.body.isEmpty else { throw ProtocolError(.malformedBody, "drain has no body") }
      logger.notice(
        "asked to drain", metadata: ["peer": "\(session.connection.peer)", "credential": "\(session.auditName)"])
      send(replyHeader(to: request.header), with: [], to: session)
      context.shards[0].mailbox.send(.drainAsked(by: session.auditName, from: session.connection.peer))
      return true
    default:
      return try readAccount(request, of: session)
    }
  }

  /// What the shards from the one asked for have published, as many as a frame to this caller holds.
  private func shardStatus(
    _ body: UnsafeRawBufferPointer, of session: Session
  ) throws(ProtocolError) -> ShardStatusReply {
    let first = try ShardStatusReply.firstShard(reading: body)
    guard first < context.shards.count else {
      throw ProtocolError(.invalidFilter, "there is no shard \(first); they are 0 to \(context.shards.count - 1)")
    }
    let room = session.frameBytesMax - FrameHeader.bytes - ShardStatusReply.preludeBytes
    let last = min(context.shards.count, first + room / ShardStatus.bytes)
    return context.shardStatus(first..<last, uptimeNanoseconds: loop.nowNanoseconds &- startedAt)
  }

  private func readAccount(_ request: Request, of session: Session) throws(ProtocolError) -> Bool {
    guard request.body.count >= 16, let base = request.body.baseAddress else {
      throw ProtocolError(.malformedBody, "a body of \(request.body.count) bytes names no account")
    }
    try checkAccount(base.u128(0), of: session)
    let shard = context.shardMap.shard(of: base.u128(0))
    guard shard == index else {
      try takeFromRate(1, of: session)
      forward(request, of: session, to: shard)
      return true
    }
    guard mayExecute(of: session) else { return false }
    try takeFromRate(1, of: session)
    do throws(PartRefusal) {
      let answer = try answer(request.opcode, request.body, bytesMax: session.frameBytesMax - FrameHeader.bytes)
      reply(
        to: request, of: session, replyHeader(to: request.header),
        with: UnsafeRawBufferPointer(rebasing: scratch[..<answer.bytes]), block: answer.block)
    } catch {
      guard case .refused(let error) = error else {
        if case .absent(let record) = error { setAside(request, of: session, until: record) }
        return true
      }
      // "There is no such transaction" says that there is the account.
      ErrorBody(error).encoded.withUnsafeBytes {
        reply(
          to: request, of: session, errorHeader(to: request.header, error), with: $0,
          block: blockBehind(account: base.u128(0)))
      }
    }
    return true
  }

  /// Answers a read when the block behind what it saw is durable, at once where that is so.
  private func reply(
    to request: Request, of session: Session, _ header: FrameHeader, with body: UnsafeRawBufferPointer, block: UInt64
  ) {
    guard block > journal.durableBlockNumber else {
      metrics.requestNanoseconds.observe(loop.nowNanoseconds &- request.arrival)
      return send(header, with: body, to: session)
    }
    let frame = session.held.reserve(FrameHeader.bytes + body.count)
    (frame + FrameHeader.bytes).copyMemory(from: body.baseAddress!, byteCount: body.count)
    FrameHeader.seal(frame, header, bodyBytes: body.count)
    hold(
      FrameHeader.bytes + body.count, for: session, requestBytes: request.header.length, block: block,
      arrival: request.arrival)
  }

  /// The block that makes what there is of an account durable; 0 when it is.
  private func blockBehind(account: UInt128) -> UInt64 {
    ledger.lastPosition(of: account) < journal.durablePosition ? 0 : pendingBlock
  }

  /// Writes the reply body of a read into the scratch memory: its length, and the block that makes what it says
  /// durable.
  func answer(
    _ opcode: Opcode, _ body: UnsafeRawBufferPointer, bytesMax: Int
  ) throws(PartRefusal) -> (bytes: Int, block: UInt64) {
    guard body.count >= 16, let base = body.baseAddress else {
      throw .refused(ProtocolError(.malformedBody, "a body of \(body.count) bytes names no account"))
    }
    let account = base.u128(0)
    let bytes: Int
    switch opcode {
    case .listTransactions:
      let (query, reference) = try PartRefusal.of { () throws(ProtocolError) in try HistoryQuery.read(body) }
      let page = try PartRefusal.of { () throws(AbsentRecord) in
        try ledger.list(
          query, reference: reference, into: scratch.baseAddress!, capacity: min(bytesMax, scratch.count))
      }
      bytes = try written(page.status, page.bytes)
    case .listUnsettled:
      bytes = try listUnsettled(body, account: account, bytesMax: bytesMax)
    case .getAccount:
      try expect(body, bytes: 16)
      guard let overview = ledger.overview(of: account) else { throw unknownAccount() }
      overview.store(to: scratch.baseAddress!)
      bytes = AccountOverview.bytes
    case .lookupTransaction:
      try expect(body, bytes: LookupReplyView.requestBytes)
      let found = try PartRefusal.of { () throws(AbsentRecord) in
        try ledger.lookup(
          account: account, id: base.u128(16), into: scratch.baseAddress!, capacity: scratch.count)
      }
      bytes = try written(found.status, found.bytes)
    case .balanceAt:
      try expect(body, bytes: BalanceAt.requestBytes)
      let balance = try PartRefusal.of { () throws(AbsentRecord) in
        try ledger.balance(of: account, at: base.u64(16))
      }
      guard let balance else { throw unknownAccount() }
      balance.store(to: scratch.baseAddress!)
      bytes = BalanceAt.bytes
    default:
      preconditionFailure("\(opcode) is not a read of an account")
    }
    return (bytes, blockBehind(account: account))
  }

  private func listUnsettled(
    _ body: UnsafeRawBufferPointer, account: UInt128, bytesMax: Int
  ) throws(PartRefusal) -> Int {
    try expect(body, bytes: 32)
    guard let base = body.baseAddress, base.u32(28) == 0 else {
      throw .refused(ProtocolError(.reservedBits, "reserved bytes of listUnsettled are set", detail: 28))
    }
    let limit = Int(base.u32(24))
    guard limit >= 1, limit <= Limits.pageMax else {
      throw .refused(ProtocolError(.invalidFilter, "limit: 1 to \(Limits.pageMax), not \(limit)", detail: 24))
    }
    let page = try PartRefusal.of { () throws(AbsentRecord) in
      try ledger.listUnsettled(
        account: account, start: base.u64(16), limit: limit, into: scratch.baseAddress!,
        capacity: min(bytesMax, scratch.count))
    }
    return try written(page.status, page.bytes)
  }

  private func expect(_ body: UnsafeRawBufferPointer, bytes: Int) throws(PartRefusal) {
    guard body.count == bytes else {
      throw .refused(ProtocolError(.malformedBody, "this call has a body of \(bytes) bytes, not \(body.count)"))
    }
  }

  /// The length of the reply body that the ledger wrote, or its refusal as an error.
  private func written(_ status: Status, _ bytes: Int) throws(PartRefusal) -> Int {
    switch status {
    case .ok: return bytes
    case .accountUnknown: throw unknownAccount()
    case .transactionUnknown: throw .refused(ProtocolError(status, "the account has no transaction with this id"))
    default: throw .refused(ProtocolError(status, "the ledger refuses this"))
    }
  }

  private func unknownAccount() -> PartRefusal {
    .refused(ProtocolError(.accountUnknown, "no purchase or bonus has created this account"))
  }
}

/// Why a read, or a part of a request, has no answer.
enum PartRefusal: Error {
  case refused(ProtocolError)
  /// It has none yet: it needs a record that is not in memory.
  case absent(AbsentRecord)

  static func of<Result>(_ body: () throws(ProtocolError) -> Result) throws(PartRefusal) -> Result {
    do throws(ProtocolError) {
      return try body()
    } catch {
      throw .refused(error)
    }
  }

  static func of<Result>(_ body: () throws(AbsentRecord) -> Result) throws(PartRefusal) -> Result {
    do throws(AbsentRecord) {
      return try body()
    } catch {
      throw .absent(error)
    }
  }
}
