public import ManaProtocol

/// What `list` or `listUnsettled` did.
public struct ListOutcome: Equatable, Sendable {
  /// `ok`, `accountUnknown` or `invalidFilter`.
  public var status: Status
  /// Length of the reply body; 0 unless `ok`.
  public var bytes = 0
  /// Transactions in the page.
  public var count = 0
  /// Records read before the page was written: on the way to its start, gathered, and examined. One that was gathered
  /// and then examined counts twice.
  public var reads = 0

  public init(status: Status, bytes: Int = 0, count: Int = 0, reads: Int = 0) {
    self.status = status
    self.bytes = bytes
    self.count = count
    self.reads = reads
  }
}

/// The page that is being filled: positions until all are found, the reply only then, because the texts follow the
/// transactions.
struct Page {
  let limit: Int
  let capacity: Int
  var count = 0
  var textBytes = 0
  var examined = 0
  /// What that cost: 1 a record in memory, more for one that had to be read back.
  var work = 0
  /// Records read to find those that are examined.
  var searched = 0
  /// The sequence number at which the next page starts, 0 when there is nothing further.
  var next: UInt64 = 0

  var isFull: Bool { count == limit }
  var bytes: Int { paddedToWords(HistoryReplyPrelude.bytes + count * TransactionView.bytes + textBytes) }

  /// Whether a transaction with so much text still fits.
  func fits(_ more: Int) -> Bool {
    paddedToWords(HistoryReplyPrelude.bytes + (count + 1) * TransactionView.bytes + textBytes + more) <= capacity
  }
}

extension Ledger {
  /// Writes the reply body of `listTransactions`: as many matching transactions as are asked for, fit `capacity` and
  /// are found among the next `LedgerLimits.examinedMax` records; the reply says where to go on.
  ///
  /// - Parameters:
  ///   - reference: to match exactly; empty for any.
  ///   - base: room for `capacity` bytes, which must be `LedgerLimits.pageBytesMin` at least.
  ///
  /// Finding the start reads O(log n) of the account's n records; then linear in the records examined.
  public mutating func list(
    _ query: HistoryQuery, reference: UnsafeRawBufferPointer, into base: UnsafeMutableRawPointer, capacity: Int
  ) throws(AbsentRecord) -> ListOutcome {
    precondition(capacity >= LedgerLimits.pageBytesMin, "a page takes \(LedgerLimits.pageBytesMin) bytes at least")
    do { try query.check() } catch { return ListOutcome(status: error.status) }
    guard let account = account(query.account) else { return ListOutcome(status: .accountUnknown) }
    var found = Page(limit: query.limit, capacity: capacity)
    let filter = HistoryFilter(query, reference: reference)
    let (first, last) = try sequences(of: query, account, &found)
    if first <= last {
      if query.oldestFirst {
        try collectOldestFirst(first, last, account, filter, &found)
      } else {
        try collectNewestFirst(first, last, account, filter, &found)
      }
    }
    storePage(found, account, to: base)
    return ListOutcome(status: .ok, bytes: found.bytes, count: found.count, reads: found.searched + found.examined)
  }

  /// Writes the reply body of `listUnsettled`: the account's unsettled spends, newest first, from the sequence number
  /// `start` on, 0 for the newest. `base` and `capacity` as for `list`.
  ///
  /// Linear in the spends of the page. When the spend at `start` is settled meanwhile, the next older unsettled one is
  /// looked for among at most `LedgerLimits.examinedMax` records.
  public mutating func listUnsettled(
    account id: UInt128, start: UInt64, limit: Int, into base: UnsafeMutableRawPointer, capacity: Int
  ) throws(AbsentRecord) -> ListOutcome {
    precondition(capacity >= LedgerLimits.pageBytesMin, "a page takes \(LedgerLimits.pageBytesMin) bytes at least")
    guard limit >= 1, limit <= Limits.pageMax else { return ListOutcome(status: .invalidFilter) }
    guard let account = account(id) else { return ListOutcome(status: .accountUnknown) }
    var found = Page(limit: limit, capacity: capacity)
    var link = try unsettledLink(from: start, account, &found)
    while link != 0 {
      let entry = spends[link - 1]
      let textBytes = try records.record(at: entry.position).item.textBytes
      if found.isFull || !found.fits(textBytes) {
        found.next = UInt64(entry.sequence)
        break
      }
      found.examined += 1
      page[found.count] = entry.position
      found.count += 1
      found.textBytes += textBytes
      link = entry.older
    }
    storePage(found, account, to: base)
    return ListOutcome(status: .ok, bytes: found.bytes, count: found.count, reads: found.searched + found.examined)
  }

  /// The link to the newest unsettled spend that is not newer than `start`; 0 when there is none, or none was found in
  /// the records that may be examined. Then the page says where to go on.
  private func unsettledLink(
    from start: UInt64, _ account: Account, _ found: inout Page
  ) throws(AbsentRecord) -> UInt32 {
    let newest = account.newestUnsettled
    if start == 0 || newest == 0 || start >= UInt64(spends[newest - 1].sequence) { return newest }
    var position = try records.position(ofSequence: UInt32(start), from: account.lastPosition).position
    while position != 0 {
      let record = try records.record(at: position)
      if found.work >= LedgerLimits.examinedMax {
        found.next = UInt64(record.sequence)
        return 0
      }
      if record.item.type == RecordType.spend,
        let number = spends.find(position, hash: hashing.position(position)), spends[number].state == .unsettled
      {
        return number + 1
      }
      found.examined += 1
      found.work += work(position)
      position = record.previous
    }
    return 0
  }

  /// The first and the last sequence number that start and times allow; the first is greater when there is none.
  private func sequences(
    of query: HistoryQuery, _ account: Account, _ found: inout Page
  ) throws(AbsentRecord) -> (first: UInt64, last: UInt64) {
    var first: UInt64 = 1
    var last = UInt64(account.sequence)
    func count(before time: UInt64) throws(AbsentRecord) -> UInt64 {
      let result = try records.newest(from: account.lastPosition) { $0.timestamp < time }
      found.searched += result.reads
      return result.position == 0 ? 0 : UInt64(records.recordAtHand(result.position).sequence)
    }
    if query.timeFrom > account.firstTimestamp { first = try count(before: query.timeFrom) + 1 }
    if query.timeTo != 0 && query.timeTo <= account.lastTimestamp { last = try count(before: query.timeTo) }
    if query.start != 0 {
      if query.oldestFirst { first = max(first, query.start) } else { last = min(last, query.start) }
    }
    return (first, last)
  }

  private func collectNewestFirst(
    _ first: UInt64, _ last: UInt64, _ account: Account, _ filter: HistoryFilter, _ found: inout Page
  ) throws(AbsentRecord) {
    var position = account.lastPosition
    if last < UInt64(account.sequence) {
      let result = try records.position(ofSequence: UInt32(last), from: position)
      found.searched += result.reads
      position = result.position
    }
    var sequence = last
    while sequence >= first {
      guard try examineNext(position, filter, &found) else {
        found.next = sequence
        return
      }
      position = records.recordAtHand(position).previous
      sequence -= 1
    }
  }

  /// The chain leads from new to old, so that a window of it is gathered first and examined backwards.
  private func collectOldestFirst(
    _ first: UInt64, _ last: UInt64, _ account: Account, _ filter: HistoryFilter, _ found: inout Page
  ) throws(AbsentRecord) {
    var sequence = first
    while sequence <= last {
      let budget = LedgerLimits.examinedMax - found.work
      if found.isFull || budget <= 0 {
        found.next = sequence
        return
      }
      let room = max(found.limit - found.count, LedgerLimits.windowMin)
      let end = min(last, sequence + UInt64(min(room, LedgerLimits.windowMax, budget)) - 1)
      let window = Int(end - sequence) + 1
      let result = try records.position(ofSequence: UInt32(end), from: account.lastPosition)
      found.searched += result.reads + window
      let outcome = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: window) { positions in
        Result { () throws(AbsentRecord) in
          try gather(into: positions, from: result.position)
          for index in 0..<window where found.next == 0 {
            guard try !examineNext(positions[index], filter, &found) else { continue }
            found.next = sequence + UInt64(index)
          }
        }
      }
      try outcome.get()
      if found.next != 0 { return }
      sequence = end + 1
    }
  }

  /// Fills in the positions of a piece of the chain, from its newest at `last` on backwards.
  private func gather(
    into positions: UnsafeMutableBufferPointer<UInt64>, from last: UInt64
  ) throws(AbsentRecord) {
    var position = last
    for index in positions.indices.reversed() {
      positions[index] = position
      position = try records.record(at: position).previous
    }
  }

  /// What examining a record costs.
  private func work(_ position: UInt64) -> Int {
    records.isResident(position) ? 1 : LedgerLimits.absentRecordWork
  }

  /// Adds the transaction to the page if it matches; false when it matches and does not fit, or when the page is full
  /// or has cost enough.
  private func examineNext(
    _ position: UInt64, _ filter: HistoryFilter, _ found: inout Page
  ) throws(AbsentRecord) -> Bool {
    if found.isFull || found.work >= LedgerLimits.examinedMax { return false }
    let record = try records.record(at: position)
    found.examined += 1
    found.work += work(position)
    guard filter.matches(record) else { return true }
    let textBytes = record.item.textBytes
    guard found.fits(textBytes) else { return false }
    page[found.count] = position
    found.count += 1
    found.textBytes += textBytes
    return true
  }

  private func storePage(_ found: Page, _ account: Account, to base: UnsafeMutableRawPointer) {
    HistoryReplyPrelude(
      count: found.count, more: found.next != 0, total: UInt64(account.sequence), next: found.next,
      balance: account.balance, textBytes: found.textBytes, examined: UInt64(found.examined)
    ).store(to: base)
    var target = HistoryReplyPrelude.bytes
    var text = target + found.count * TransactionView.bytes
    for index in 0..<found.count {
      let record = records.recordAtHand(page[index])
      storeTransaction(page[index], to: base + target)
      let textBytes = record.item.textBytes
      (base + text).copyMemory(from: record.text, byteCount: textBytes)
      target += TransactionView.bytes
      text += textBytes
    }
    base.zero(text, count: found.bytes - text)
  }
}
