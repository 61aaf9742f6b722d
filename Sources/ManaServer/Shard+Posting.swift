import ManaAudit
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// Executing the calls that share the batch layout.
extension Shard {
  /// Executes a posting call here, or sends it to the shards that it concerns. False when it has to wait for room in
  /// the journal.
  func post(_ request: Request, of session: Session) throws(ProtocolError) -> Bool {
    let batch = try BatchView(reading: request.body)
    try checkRoles(batch, request.opcode, of: session)
    try checkLimits(batch, request.opcode, of: session)
    let stride = batch.flags.contains(.fullResults) ? ItemResult.fullBytes : ItemResult.compactBytes
    let frameBytes = FrameHeader.bytes + BatchReplyView.bodyBytes(count: batch.count, stride: stride)
    guard frameBytes <= session.frameBytesMax else {
      throw ProtocolError(
        .batchTooLarge, "\(batch.count) results take \(frameBytes) bytes, the client takes \(session.frameBytesMax)")
    }
    let recordBytes = Ledger.recordBytesMax(items: batch.count, textBytes: batch.text.count)
    let fitsBlock = recordBytes <= journal.recordBytesPerBlockMax
    if batch.flags.contains(.atomic) { try checkAtomic(batch, fitsBlock: fitsBlock) }
    let shard = commonShard(of: batch)
    guard fitsBlock, shard == index else {
      try takeFromRate(batch.count, of: session)
      let credit = try permitCredit(batch, request, of: session)
      distribute(
        batch, of: request, session: session, to: shard, stride: stride, frameBytes: frameBytes, credit: credit)
      return true
    }
    guard mayExecute(of: session), try makeRoom(recordBytes) else { return false }
    try takeFromRate(batch.count, of: session)
    let credit = try permitCredit(batch, request, of: session)
    postHere(batch, request, session, stride: stride, frameBytes: frameBytes, credit: credit)
    return true
  }

  /// Whether a request of this shard's accounts comes at once: a part that waits may be of the same caller and account,
  /// and came first.
  func mayExecute(of session: Session) -> Bool {
    waitingParts.isEmpty && !hasPartWaiting(of: session.connection.id, on: index)
  }

  private func checkAtomic(_ batch: BatchView, fitsBlock: Bool) throws(ProtocolError) {
    if let item = ItemSource(batch).firstOfAnotherAccount {
      throw ProtocolError(
        .atomicAccountsDiffer, "an atomic batch concerns one account; item \(item) names another", detail: item)
    }
    guard fitsBlock else {
      throw ProtocolError(.batchTooLarge, "an atomic batch must fit one block of the journal; send fewer items")
    }
  }

  /// The shard of all items, or nil when they belong to several.
  func commonShard(of batch: BatchView) -> Int? {
    guard context.shardMap.shardCount > 1 else { return 0 }
    let first = context.shardMap.shard(of: batch[0].account)
    for item in 1..<max(batch.count, 1) where context.shardMap.shard(of: batch[item].account) != first { return nil }
    return first
  }

  /// Executes a whole batch of this shard's accounts, for which there is room, straight from the input into the
  /// journal's open block, and its results into the held replies. Where it needs a record that is not in memory, the rest
  /// of it waits for that as a part.
  private func postHere(
    _ batch: BatchView, _ request: Request, _ session: Session, stride: Int, frameBytes: Int, credit: CreditPermit?
  ) {
    let frame = session.held.reserve(frameBytes)
    let body = frame + FrameHeader.bytes
    let outcome = execute(
      ItemSource(batch), itemType: request.opcode.itemType, atomic: batch.flags.contains(.atomic),
      results: body + BatchReplyView.preludeBytes, stride: stride)
    if let record = outcome.absent {
      setAside(
        batch, of: request, session: session, stride: stride, frameBytes: frameBytes, credit: credit, outcome: outcome,
        results: body + BatchReplyView.preludeBytes, until: record)
      return
    }
    BatchReplyView.storePrelude(
      to: body, stride: stride, count: batch.count, posted: outcome.posted, replayed: outcome.replayed)
    FrameHeader.seal(frame, replyHeader(to: request.header), bodyBytes: frameBytes - FrameHeader.bytes)
    if let credit {
      let credited =
        credit.claim == nil
        ? 0
        : credited(
          batch.items, count: batch.count, itemType: request.opcode.itemType,
          results: body + BatchReplyView.preludeBytes, stride: stride)
      recordCredit(credit, posted: outcome.posted, replayed: outcome.replayed, credited: credited)
    }
    hold(frameBytes, for: session, requestBytes: request.header.length, block: pendingBlock, arrival: request.arrival)
  }

  /// Room in the journal's open block, and in the tables. False: wait; throws `diskFull` before anything is applied.
  private func makeRoom(_ bytes: Int) throws(ProtocolError) -> Bool {
    if let tableMemory, !tableMemory.isAtHand { return false }
    switch journal.makeRoom(bytes: bytes, digest: ledger.digest, timestamp: now) {
    case .ready: return true
    case .busy: return false
    case .full:
      throw ProtocolError(.diskFull, "the disk has no room for another journal segment; nothing was applied")
    }
  }

  /// Applies items for which there is room, and counts what they did.
  private func execute(
    _ source: ItemSource, itemType: TransactionType?, atomic: Bool, results: UnsafeMutableRawPointer, stride: Int
  ) -> PostOutcome {
    var writer = RecordWriter(cursor: journal.cursor, position: journal.position)
    let outcome = ledger.post(
      source, itemType: itemType, atomic: atomic, now: now, writer: &writer, results: results, resultStride: stride)
    if writer.bytes > 0 { journal.append(bytes: writer.bytes, records: writer.records) }
    gauges.add(posted: outcome.posted)
    if outcome.executed == 0 { return outcome }
    itemsInTurn += outcome.executed
    metrics.executed(items: outcome.executed, posted: outcome.posted, replayed: outcome.replayed)
    return outcome
  }

  /// Holds the reply that was written to the session's reserved room until `block` is durable, or lets it go at once
  /// when it waits for nothing.
  func hold(_ frameBytes: Int, for session: Session, requestBytes: Int, block: UInt64, arrival: UInt64) {
    let wasEmpty = session.held.isEmpty
    session.held.commit(frameBytes, block: block, requestBytes: requestBytes, arrival: arrival)
    session.began(requestBytes: requestBytes)
    countHeld(of: session)
    if block == 0, wasEmpty {
      release(session, upTo: 0)
    } else if wasEmpty {
      holding.append(session)
    }
  }

  // MARK: Parts

  /// How far a part has come.
  enum PartStep {
    case done
    case waitsForRoom
    case waitsFor(AbsentRecord)
  }

  /// Executes as much of a part as there is room for, and as needs nothing that is not in memory.
  func run(_ part: Part) -> PartStep {
    records.pinned = part.pinned
    defer { records.pinned = nil }
    do throws(PartRefusal) {
      if part.opcode.isPosting {
        while part.progress.item < part.itemCount {
          guard try postChunk(of: part) else { return .waitsForRoom }
        }
        part.block = pendingBlock
      } else {
        let answer = try answer(part.opcode, UnsafeRawBufferPointer(part.request), bytesMax: part.replyBytesMax)
        part.setReply(UnsafeRawBufferPointer(rebasing: scratch[..<answer.bytes]))
        part.block = answer.block
      }
    } catch {
      switch error {
      case .refused(let error):
        part.error = error
        part.block = pendingBlock
      case .absent(let record): return .waitsFor(record)
      }
    }
    return .done
  }

  /// Executes the next items of a part that fit one block together. False when there is no room now.
  private func postChunk(of part: Part) throws(PartRefusal) -> Bool {
    let items = UnsafeRawPointer(part.request.baseAddress!)
    let start = part.progress
    var count = 0
    var textBytes = 0
    while start.item + count < part.itemCount {
      let next = textBytes + ItemView(items + (start.item + count) * Item.bytes).textBytes
      guard Ledger.recordBytesMax(items: count + 1, textBytes: next) <= journal.recordBytesPerBlockMax else { break }
      count += 1
      textBytes = next
    }
    precondition(count > 0, "a single record fits a block")
    let bytes = Ledger.recordBytesMax(items: count, textBytes: textBytes)
    guard try PartRefusal.of({ () throws(ProtocolError) in try makeRoom(bytes) }) else { return false }
    let text = items + part.itemCount * Item.bytes + start.textOffset
    let outcome = execute(
      ItemSource(items: items + start.item * Item.bytes, count: count, text: text),
      itemType: part.opcode.itemType, atomic: part.atomic,
      results: part.reply.baseAddress! + start.item * part.resultStride, stride: part.resultStride)
    for item in start.item..<start.item + outcome.executed {
      part.progress.textOffset += ItemView(items + item * Item.bytes).textBytes
    }
    part.progress.item += outcome.executed
    part.progress.posted += outcome.posted
    part.progress.replayed += outcome.replayed
    if let record = outcome.absent { throw .absent(record) }
    return true
  }
}
