import CIntrinsics
public import ManaProtocol

/// A batch where it lies. Valid as long as the bytes are.
public struct ItemSource {
  /// The first item; item *i* is 64 × *i* bytes further.
  public let items: UnsafeRawPointer
  public let count: Int
  /// Reference and note of each item in turn; may be nil when no item has any.
  public let text: UnsafeRawPointer?

  public init(items: UnsafeRawPointer, count: Int, text: UnsafeRawPointer?) {
    self.items = items
    self.count = count
    self.text = text
  }

  /// The items of a request.
  public init(_ batch: BatchView) {
    self.init(items: batch.items, count: batch.count, text: batch.text.baseAddress)
  }

  /// The first item whose account is not that of the first item, as an atomic batch must not have it. Linear.
  public var firstOfAnotherAccount: Int? {
    let account = ItemView(items).account
    return (0..<count).first { ItemView(items + $0 * Item.bytes).account != account }
  }
}

/// What became of a batch.
public struct PostOutcome: Equatable, Sendable {
  /// Results that are `ok` and not replayed.
  public var posted = 0
  /// Results that are `ok` and replayed.
  public var replayed = 0
  public var refused = 0
  /// All items of an atomic batch are in force, now or since before.
  public var atomicApplied = false
  /// What the next item needs and is not at hand; nil when all were executed. The items before it were executed, of an
  /// atomic batch none.
  public var absent: AbsentRecord?

  /// Items that have their result.
  public var executed: Int { posted + replayed + refused }

  public init() {}
}

/// What is known of an item before it is executed.
struct Prepared {
  var accountHash: UInt64
  var transactionHash: UInt64
  /// Where the hashes lead in the tables, as long as `generation` is theirs.
  var accountProbe: HashIndex.Probe
  var transactionProbe: HashIndex.Probe
  /// The account that probably is the item's.
  var guess: Account?
  var generation: UInt32
  /// Bytes of the record, when it is one that is replayed.
  var size: UInt16
  var operation: UInt8
}

/// What became of an item.
enum Verdict {
  case posted
  case replayed
  case refused
}

/// A call that is being executed.
struct Turn {
  let now: UInt64
  /// 0 for a mixed batch.
  let requiredType: UInt8
  /// 16 or 40.
  let resultStride: Int
  /// Reference and note of the item that is executed.
  var text: UnsafeRawPointer
  /// Where its result goes.
  var result: UnsafeMutableRawPointer
  var outcome = PostOutcome()

  /// Stores the item's result.
  @inline(__always)
  func finish(_ result: ItemResult) { result.store(to: self.result, stride: resultStride) }

  /// Stores the result of an item that was refused.
  @inline(never)
  func refuse(
    _ status: Status, _ account: Account?, field: ConflictField? = nil, refundable: UInt64 = 0
  ) -> Verdict {
    finish(ItemResult(status: status, field: field, balance: account?.balance ?? 0, refundable: refundable))
    return .refused
  }
}

extension Ledger {
  /// Most bytes that the records of a batch take in the journal, a multiple of 32: what to reserve before `post`.
  public static func recordBytesMax(items: Int, textBytes: Int) -> Int {
    let texts = textBytes + (RecordLayout.unit - 1) * min(items, textBytes)
    return items * RecordLayout.bytes + (texts + RecordLayout.unit - 1) / RecordLayout.unit * RecordLayout.unit
  }

  /// Executes a batch, item after item; each sees the effect of those before it.
  ///
  /// Results have the layout of `ItemResult`, one an item. An atomic batch is of one account. Its first refused item
  /// makes all others `notApplied`, and nothing is changed or written. When it contains replays as well as new items,
  /// the first item that is not like the first item of the batch is refused with `idConflict`, without a field.
  ///
  /// Where an item needs a record that is not at hand, this ends before it (see `PostOutcome.absent`), and is to be called
  /// again for the rest when it is.
  ///
  /// - Parameters:
  ///   - itemType: the type of the call, nil for a mixed batch.
  ///   - now: nanoseconds since 1970. Each record gets the greater of this and the last record's time plus one.
  ///   - writer: the journal's open block, with room for `recordBytesMax`.
  ///   - results: room for `count` × `resultStride` bytes.
  ///   - resultStride: 16 or 40.
  ///
  /// Linear in the number of items, constant time an item but for settlements, which are logarithmic in the number of
  /// unsettled spends.
  public mutating func post(
    _ source: ItemSource, itemType: TransactionType?, atomic: Bool, now: UInt64, writer: inout RecordWriter,
    results: UnsafeMutableRawPointer, resultStride: Int
  ) -> PostOutcome {
    precondition(resultStride == ItemResult.compactBytes || resultStride == ItemResult.fullBytes, "16 or 40 bytes")
    precondition(now <= UInt64(Int64.max), "the clock is past the year 2262")
    precondition(writer.position > 0 && writer.position < RecordLayout.positionLimit, "a position has 38 bits")
    precondition(
      records.pointer(at: writer.position) == UnsafeRawPointer(writer.cursor), "the cursor is at its position")
    var turn = Turn(
      now: now, requiredType: itemType?.rawValue ?? 0, resultStride: resultStride, text: source.text ?? source.items,
      result: results)
    if atomic {
      postAtomic(source, &turn, &writer)
    } else {
      _ = run(source, isAtomic: false, &turn, &writer)
    }
    return turn.outcome
  }

  /// Executes items until one breaks an atomic batch or needs an absent record, and returns its index, or the number of
  /// items.
  ///
  /// While a group of items is executed, the memory that the next two are going to touch is under way: of the second
  /// the buckets of the tables, of the first the accounts that they name.
  @inline(__always)
  mutating func run(
    _ source: ItemSource, isAtomic: Bool, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> Int {
    let count = source.count
    locate(source, 0)
    locate(source, LedgerLimits.groupItems)
    approach(0, min(LedgerLimits.groupItems, count))
    var start = 0
    while start < count {
      let end = min(start &+ LedgerLimits.groupItems, count)
      if end < count {
        locate(source, end &+ LedgerLimits.groupItems)
        approach(end, min(end &+ LedgerLimits.groupItems, count))
      }
      for index in start..<end {
        let item = ItemView(source.items + index &* Item.bytes)
        let prepared = UnsafePointer(prepared + (index & LedgerLimits.preparedMask))
        if !isAtomic && postPlainSpend(item, prepared, &turn, &writer) {
          turn.outcome.posted &+= 1
          turn.result += turn.resultStride
          continue
        }
        var verdict: Verdict
        do throws(AbsentRecord) {
          verdict = try execute(item, prepared, &turn, &writer)
        } catch {
          turn.outcome.absent = error
          return index
        }
        if isAtomic && verdict != .refused && index > 0 && (verdict == .replayed) != (turn.outcome.replayed > 0) {
          verdict = turn.refuse(.idConflict, nil)
        }
        switch verdict {
        case .posted: turn.outcome.posted &+= 1
        case .replayed: turn.outcome.replayed &+= 1
        case .refused:
          turn.outcome.refused &+= 1
          if isAtomic { return index }
        }
        turn.text += item.textBytes
        turn.result += turn.resultStride
      }
      start = end
    }
    return count
  }

  /// Looks up where the ids of the group of items from `start` lead, and asks for those buckets.
  @inline(__always)
  private func locate(_ source: ItemSource, _ start: Int) {
    let end = min(start &+ LedgerLimits.groupItems, source.count)
    guard start < end else { return }
    for index in start..<end { locate(ItemView(source.items + index &* Item.bytes), index, size: 0) }
    loadBuckets(start, end)
  }

  // MARK: What lies ahead, also of a replay

  /// Notes where an item's ids lead.
  @inline(__always)
  func locate(_ item: ItemView, _ index: Int, size: Int) {
    let accountHash = hashing.account(item.account)
    let transactionHash = hashing.transaction(accountHash: accountHash, item.id)
    (prepared + (index & LedgerLimits.preparedMask)).initialize(
      to: Prepared(
        accountHash: accountHash, transactionHash: transactionHash, accountProbe: accounts.probe(accountHash),
        transactionProbe: transactions.probe(transactionHash), guess: nil, generation: generation,
        size: UInt16(truncatingIfNeeded: size), operation: item.operation))
  }

  /// Changes whenever one of the tables grows.
  var generation: UInt32 { @inline(__always) get { transactions.generation &+ accounts.generation } }

  /// Asks for the buckets of located items.
  ///
  /// This is a loop of its own, and as short as can be: a prefetch does not wait for its line, but it does for its
  /// page's address, and only prefetches that stand close together in the program are looked up at the same time.
  @inline(__always)
  func loadBuckets(_ start: Int, _ end: Int) {
    for index in start..<end {
      let item = prepared + (index & LedgerLimits.preparedMask)
      mana_prefetch_for_write(item.pointee.transactionProbe.line)
      mana_prefetch_for_write(item.pointee.transactionProbe.table)
      mana_prefetch(item.pointee.accountProbe.line)
    }
  }

  /// Asks for the accounts that the buckets of located items name.
  @inline(__always)
  func approach(_ start: Int, _ end: Int) {
    let generation = generation
    for index in start..<end {
      let item = prepared + (index & LedgerLimits.preparedMask)
      guard item.pointee.generation == generation, let guess = accounts.guess(item.pointee.accountProbe) else {
        continue
      }
      guess.prefetch(operation: item.pointee.operation)
      item.pointee.guess = guess
    }
  }
}
