import ManaProtocol

/// Ids of the refunds that timeouts post.
///
/// The id follows from the spend's by a bijection of 128-bit numbers (a Feistel network of four rounds over `mix64`),
/// so no two spends of an account give the same one. A client's id equals one of them only by chance, 1 in 2^128, or by
/// intent; then the bijection is applied again until the id is free.
public enum TimeoutID {
  /// The id that follows from `id`; never zero.
  public static func next(after id: UInt128) -> UInt128 {
    var low = UInt64(truncatingIfNeeded: id)
    var high = UInt64(truncatingIfNeeded: id >> 64)
    for round in 1...2 as ClosedRange<UInt64> {
      high ^= mix64(low &+ round &* 0x9E37_79B9_7F4A_7C15)
      low ^= mix64(high &+ round &* 0xD1B5_4A32_D192_ED03)
    }
    let next = UInt128(high) << 64 | UInt128(low)
    return next == 0 ? Self.next(after: 0) : next
  }
}

/// What `expire` did.
public struct ExpiryOutcome: Equatable, Sendable {
  /// Refunds posted.
  public var posted = 0
  /// What the next one needs and is not at hand; nil when nothing kept it.
  public var absent: AbsentRecord?

  public init() {}
}

extension Ledger {
  @inline(never)
  mutating func settle(
    _ item: ItemView, _ place: Place, _ accountHash: UInt64, _ turn: inout Turn, _ writer: inout RecordWriter
  ) throws(AbsentRecord) -> Verdict {
    let account = place.account
    let position: UInt64
    switch try original(item.related, of: item.account, accountHash: accountHash) {
    case .unknown: return turn.refuse(.originalUnknown, account)
    case .notSpend: return turn.refuse(.originalNotSpend, account)
    case .spend(let found): position = found
    }
    let left = try refundable(position)
    guard let number = spends.find(position, hash: hashing.position(position)), spends[number].state != .none else {
      return turn.refuse(.settlementNotExpected, account, refundable: left)
    }
    let amount = try records.record(at: position).item.amount
    let used = item.flags.contains(.remaining) ? amount : item.amount
    switch spends[number].state {
    case .settled:
      guard spends[number].used == used else { return turn.refuse(.alreadySettled, account, refundable: left) }
      return try repeatResult(of: spends[number].endPosition, &turn)
    case .refunded: return turn.refuse(.alreadyRefunded, account, refundable: left)
    case .timedOut: return turn.refuse(.settlementTimedOut, account, refundable: left)
    case .unsettled, .none: break
    }
    guard used <= amount else { return turn.refuse(.usedExceedsAmount, account, refundable: left) }
    if used == amount {
      let end = writer.position
      let stamp = appendAside(item, turn.text, type: RecordType.settlement, place, turn.now, &writer)
      spends.close(number, as: .settled, used: used, endPosition: end, amount: amount, of: account)
      turn.finish(
        ItemResult(status: .ok, balance: account.balance, timestamp: stamp.timestamp, refundable: left))
      return .posted
    }
    return settleWithRefund(item, place, spend: position, amount: amount - used, &turn, &writer)
  }

  /// Refunds what was not used of an unsettled spend, of which nothing has been refunded.
  private mutating func settleWithRefund(
    _ item: ItemView, _ place: Place, spend position: UInt64, amount: UInt64, _ turn: inout Turn,
    _ writer: inout RecordWriter
  ) -> Verdict {
    let account = place.account
    let spend = records.recordAtHand(position)
    let left = spend.item.amount
    guard let balance = credited(account, amount, Operation.refund.rawValue) else {
      return turn.refuse(.balanceOverflow, account, refundable: left)
    }
    guard account.sequence < UInt32.max else { return turn.refuse(.accountFull, account, refundable: left) }
    let refund = makeRefund(
      id: item.id, of: spend, amount: amount, quantity: item.quantity, referenceBytes: item.referenceBytes,
      noteBytes: item.noteBytes)
    let end = writer.position
    let stamp = append(
      refund, turn.text, typeByte: RecordType.refund | RecordType.bySettlement, amount: amount, balance: balance, place,
      turn.now, &writer)
    noteRefund(of: position, amount: amount, as: .settled, by: end, account)
    turn.finish(
      ItemResult(
        status: .ok, sequence: stamp.sequence, amount: amount, balance: balance, timestamp: stamp.timestamp,
        refundable: left - amount))
    return .posted
  }

  /// Enters an unsettled spend, whose record is at `position`.
  @inline(never)
  mutating func openSettlement(_ position: UInt64, _ account: Account, accountHash: UInt64) {
    let spend = records.recordAtHand(position)
    let timeout = UInt64(truncatingIfNeeded: spend.item.related) * 1_000_000
    spends.open(
      position, hash: hashing.position(position), sequence: spend.sequence, amount: spend.item.amount,
      deadline: spend.timestamp + timeout, of: account, number: accounts.number(of: account, hash: accountHash))
  }

  /// Most bytes that the records of `limit` timeouts take in the journal: what to reserve before `expire`.
  public static func expiryBytesMax(limit: Int) -> Int {
    limit * RecordLayout.size(textBytes: timeoutNote.utf8CodeUnitCount)
  }

  /// The note of a refund that a timeout posts.
  static var timeoutNote: StaticString { "timeout" }

  /// Refunds spends whose settlement timed out, the earliest deadline first, up to one whose record is absent.
  ///
  /// - Parameters:
  ///   - now: nanoseconds since 1970; deadlines up to it have passed.
  ///   - limit: most timeouts to look at. More may be due afterwards; see `nextDeadline`.
  ///   - writer: the journal's open block, with room for `expiryBytesMax(limit:)`.
  ///
  /// A refund that does not fit its account, because the balance would overflow or the account is full, is put off by
  /// an hour; the spend stays unsettled and is not counted. Logarithmic in the number of unsettled spends each.
  public mutating func expire(now: UInt64, limit: Int, writer: inout RecordWriter) -> ExpiryOutcome {
    precondition(now <= UInt64(Int64.max), "the clock is past the year 2262")
    var outcome = ExpiryOutcome()
    for _ in 0..<limit {
      guard let deadline = nextDeadline, deadline <= now else { break }
      do throws(AbsentRecord) {
        if try expire(spends.nextDue, now, &writer) { outcome.posted += 1 }
      } catch {
        outcome.absent = error
        break
      }
    }
    return outcome
  }

  /// Puts the earliest timeout off by an hour: its record cannot be read. There must be one.
  public mutating func postponeEarliestDeadline(now: UInt64) {
    spends.postpone(spends.nextDue, to: now + LedgerLimits.timeoutRetryNanoseconds)
  }

  private mutating func expire(
    _ number: UInt32, _ now: UInt64, _ writer: inout RecordWriter
  ) throws(AbsentRecord) -> Bool {
    let position = spends[number].position
    let spend = try records.record(at: position)
    let account = accounts[Int(spends[number].account)]
    let amount = spend.item.amount
    guard let balance = credited(account, amount, Operation.refund.rawValue), account.sequence < UInt32.max else {
      spends.postpone(number, to: now + LedgerLimits.timeoutRetryNanoseconds)
      return false
    }
    let accountHash = hashing.account(account.id)
    var id = spend.item.id
    var place: Place
    var isTaken: Bool
    repeat {
      id = TimeoutID.next(after: id)
      let hash = hashing.transaction(accountHash: accountHash, id)
      let match = try match(id, of: account.id, hash: hash)
      place = Place(account: account, hash: hash, vacancy: match.vacancy)
      isTaken = match.position != 0
    } while isTaken
    let note = Self.timeoutNote
    let refund = makeRefund(
      id: id, of: spend, amount: amount, quantity: 0, referenceBytes: 0, noteBytes: note.utf8CodeUnitCount)
    let end = writer.position
    _ = append(
      refund, note.utf8Start, typeByte: RecordType.refund | RecordType.byTimeout, amount: amount, balance: balance,
      place, now, &writer)
    noteRefund(of: position, amount: amount, as: .timedOut, by: end, account)
    return true
  }

  /// Makes up the item of a refund that nobody sent.
  private func makeRefund(
    id: UInt128, of spend: RecordView, amount: UInt64, quantity: UInt32, referenceBytes: Int, noteBytes: Int
  ) -> ItemView {
    Item(
      id: id, account: spend.item.account, related: spend.item.id, amount: amount, quantity: quantity, type: .refund,
      operation: .refund, referenceBytes: referenceBytes, noteBytes: noteBytes
    ).store(to: ownItem)
    return ItemView(ownItem)
  }
}
