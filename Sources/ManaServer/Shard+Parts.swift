import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// Requests that concern other shards: split once, sent through the mailboxes, and joined when all parts are durable.
extension Shard {
  // MARK: Split

  /// Sends the items of a batch to their shards: all to `whole`, or to several when that is nil. Used too for a batch of
  /// this shard that needs more than one block.
  func distribute(
    _ batch: BatchView, of request: Request, session: Session, to whole: Int?, stride: Int, frameBytes: Int,
    credit: CreditPermit?
  ) {
    let pieces = whole.map { [piece(of: batch, shard: $0)] } ?? split(batch)
    let gather = begin(
      request, session, missing: pieces.count, count: batch.count, stride: stride, bytes: frameBytes, credit: credit)
    for piece in pieces {
      deliver(part(for: piece, of: batch, request, session, gather: gather, stride: stride), to: piece.shard)
    }
  }

  /// Sends a read to the shard of its account.
  func forward(_ request: Request, of session: Session, to shard: Int) {
    deliver(part(for: request, of: session), to: shard)
  }

  /// Sets a read of this shard aside until a record that it needs is at hand.
  func setAside(_ request: Request, of session: Session, until record: AbsentRecord) {
    setAside(part(for: request, of: session), until: record)
  }

  /// Sets a batch of this shard aside until a record that its next item needs is at hand: `outcome` is what became of the
  /// items before it, and their results are at `results`.
  func setAside(
    _ batch: BatchView, of request: Request, session: Session, stride: Int, frameBytes: Int, credit: CreditPermit?,
    outcome: PostOutcome, results: UnsafeRawPointer, until record: AbsentRecord
  ) {
    let gather = begin(
      request, session, missing: 1, count: batch.count, stride: stride, bytes: frameBytes, credit: credit)
    let part = self.part(
      for: piece(of: batch, shard: index), of: batch, request, session, gather: gather, stride: stride)
    var progress = PostProgress()
    progress.item = outcome.executed
    progress.textOffset = (0..<outcome.executed).reduce(0) { $0 + batch[$1].textBytes }
    progress.posted = outcome.posted
    progress.replayed = outcome.replayed
    part.begin(at: progress, results: results)
    setAside(part, until: record)
  }

  private func part(for request: Request, of session: Session) -> Part {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: request.body.count, alignment: 8)
    copy.copyMemory(from: request.body)
    let gather = begin(request, session, missing: 1, count: 0, stride: 0, bytes: 0)
    return Part(
      origin: Part.Origin(shard: index, session: session.connection.id, gather: gather), opcode: request.opcode,
      request: copy, itemCount: 0, atomic: false, resultStride: 0, indices: [],
      replyBytesMax: session.frameBytesMax - FrameHeader.bytes)
  }

  private func part(
    for piece: Piece, of batch: BatchView, _ request: Request, _ session: Session, gather: UInt64, stride: Int
  ) -> Part {
    Part(
      origin: Part.Origin(shard: index, session: session.connection.id, gather: gather), opcode: request.opcode,
      request: piece.bytes, itemCount: piece.count, atomic: batch.flags.contains(.atomic), resultStride: stride,
      indices: piece.indices, replyBytesMax: session.frameBytesMax - FrameHeader.bytes)
  }

  /// The items and texts of one shard, in the order of the batch.
  private struct Piece {
    let shard: Int
    let bytes: UnsafeMutableRawBufferPointer
    let count: Int
    let indices: [UInt16]
  }

  private func piece(of batch: BatchView, shard: Int) -> Piece {
    let itemBytes = batch.count * Item.bytes
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: itemBytes + batch.text.count, alignment: 8)
    bytes.baseAddress!.copyMemory(from: batch.items, byteCount: itemBytes + batch.text.count)
    return Piece(shard: shard, bytes: bytes, count: batch.count, indices: [])
  }

  private func split(_ batch: BatchView) -> [Piece] {
    let shardCount = context.shardMap.shardCount
    var indices = [[UInt16]](repeating: [], count: shardCount)
    var textBytes = [Int](repeating: 0, count: shardCount)
    for item in 0..<batch.count {
      let shard = context.shardMap.shard(of: batch[item].account)
      indices[shard].append(UInt16(item))
      textBytes[shard] += batch[item].textBytes
    }
    var items: [UnsafeMutableRawPointer] = []
    var texts: [UnsafeMutableRawPointer] = []
    var pieces: [Piece] = []
    for shard in 0..<shardCount {
      let itemBytes = indices[shard].count * Item.bytes
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: itemBytes + textBytes[shard], alignment: 8)
      items.append(bytes.baseAddress!)
      texts.append(bytes.baseAddress! + itemBytes)
      pieces.append(Piece(shard: shard, bytes: bytes, count: indices[shard].count, indices: indices[shard]))
    }
    var textOffset = 0
    for item in 0..<batch.count {
      let view = batch[item]
      let shard = context.shardMap.shard(of: view.account)
      items[shard].copyMemory(from: view.base, byteCount: Item.bytes)
      items[shard] += Item.bytes
      if view.textBytes > 0 {
        texts[shard].copyMemory(from: batch.text.baseAddress! + textOffset, byteCount: view.textBytes)
        texts[shard] += view.textBytes
        textOffset += view.textBytes
      }
    }
    for piece in pieces where piece.count == 0 { piece.bytes.deallocate() }
    return pieces.filter { $0.count > 0 }
  }

  private func begin(
    _ request: Request, _ session: Session, missing: Int, count: Int, stride: Int, bytes: Int,
    credit: CreditPermit? = nil
  ) -> UInt64 {
    lastGather += 1
    gathers[lastGather] = Gather(
      session: session.connection.id, header: request.header, arrival: request.arrival,
      requestBytes: request.header.length, itemCount: count,
      resultStride: stride, missing: missing, frame: .allocate(byteCount: bytes, alignment: 8), credit: credit)
    session.began(requestBytes: request.header.length)
    return lastGather
  }

  // MARK: Execute and send back

  private func deliver(_ part: Part, to shard: Int) {
    guard shard == index else {
      context.shards[shard].mailbox.send(.request(part))
      return
    }
    waitingParts.append(part)
    // Behind one that waits for room, it waits too: parts are executed in the order in which they came.
    if waitingParts.count == 1 { runWaitingParts() }
  }

  /// Executes parts in the order in which they came, until one has to wait for room. One that needs a record which is not
  /// in memory stands aside, and so do those behind it of the same connection.
  func runWaitingParts() {
    var done = 0
    parts: while done < waitingParts.count {
      if hasDoneEnough {
        loop.waker.wake()
        break
      }
      let part = waitingParts[done]
      if hasPartWaiting(of: part.origin.session, on: part.origin.shard) {
        recordWaiters.append(part)
      } else {
        switch run(part) {
        case .done: finish(part)
        case .waitsForRoom: break parts
        case .waitsFor(let record): setAside(part, until: record)
        }
      }
      done += 1
    }
    waitingParts.removeFirst(done)
  }

  /// Returns an executed part, at once or when its block is durable.
  func finish(_ part: Part) {
    part.pinned = nil
    if part.block > journal.durableBlockNumber {
      heldParts.append(part)
    } else {
      sendBack(part)
    }
  }

  /// Returns an executed and durable part to the shard whose caller asked.
  func sendBack(_ part: Part) {
    if part.origin.shard == index {
      join(part)
    } else {
      context.shards[part.origin.shard].mailbox.send(.reply(part))
    }
  }

  // MARK: Join

  /// Takes a part's results into its request's reply, and sends that when nothing is missing.
  func join(_ part: Part) {
    guard var gather = gathers[part.origin.gather] else { preconditionFailure("a part that nobody asked for") }
    gather.missing -= 1
    gather.posted += part.progress.posted
    gather.replayed += part.progress.replayed
    gather.executed += part.progress.item
    if gather.error == nil { gather.error = part.error }
    if gather.credit?.claim != nil {
      gather.credited += credited(
        part.request.baseAddress!, count: part.progress.item, itemType: part.opcode.itemType,
        results: part.reply.baseAddress!, stride: part.resultStride)
    }
    if gather.itemCount > 0 { scatter(part, into: gather) }
    gathers[part.origin.gather] = gather
    guard gather.missing == 0 else { return }
    gathers[part.origin.gather] = nil
    defer { gather.frame.deallocate() }
    if let credit = gather.credit {
      recordCredit(
        credit, posted: gather.posted, replayed: gather.replayed, credited: gather.credited,
        error: gather.executed == 0 ? gather.error : nil)
    }
    guard let session = sessions[gather.session], session.stage != .closing else { return }
    session.answered(1, requestBytes: gather.requestBytes)
    metrics.requestNanoseconds.observe(loop.nowNanoseconds &- gather.arrival)
    if let error = gather.error, gather.executed == 0 {
      reply(to: gather.header, of: session, error: error)
    } else if gather.itemCount > 0 {
      finish(gather, session)
    } else {
      send(replyHeader(to: gather.header), with: UnsafeRawBufferPointer(part.reply), to: session)
    }
    makeRunnable(session)
  }

  /// Puts a part's results in their places; items that were not executed get the part's error as their status.
  private func scatter(_ part: Part, into gather: Gather) {
    let results = gather.frame.baseAddress! + FrameHeader.bytes + BatchReplyView.preludeBytes
    let stride = gather.resultStride
    if let error = part.error {
      for item in part.progress.item..<part.itemCount {
        ItemResult(status: error.status).store(to: part.reply.baseAddress! + item * stride, stride: stride)
      }
    }
    guard !part.indices.isEmpty else {
      results.copyMemory(from: part.reply.baseAddress!, byteCount: part.reply.count)
      return
    }
    for (item, place) in part.indices.enumerated() {
      (results + Int(place) * stride).copyMemory(from: part.reply.baseAddress! + item * stride, byteCount: stride)
    }
  }

  /// Completes the reply's frame and sends it.
  private func finish(_ gather: Gather, _ session: Session) {
    let frame = gather.frame.baseAddress!
    BatchReplyView.storePrelude(
      to: frame + FrameHeader.bytes, stride: gather.resultStride, count: gather.itemCount, posted: gather.posted,
      replayed: gather.replayed)
    FrameHeader.seal(frame, replyHeader(to: gather.header), bodyBytes: gather.frame.count - FrameHeader.bytes)
    session.connection.commitOutput(copying: UnsafeRawBufferPointer(gather.frame))
  }
}
