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
  ) -> ListOutcome {
    precondition(capacity >= LedgerLimits.pageBytesMin, "a page takes \(LedgerLimits.pageBytesMin) bytes at least")
    do { try query.check() } catch { return ListOutcome(status: error.status) }
    guard let account = account(query.account) else { return ListOutcome(status: .accountUnknown) }
    var found = Page(limit: query.limit, capacity: capacity)
    let filter = HistoryFilter(query, reference: reference)
    let (first, last) = sequences(of: query, account, &found)
    if first <= last {
      if query.oldestFirst {
        collectOldestFirst(first, last, account, filter, &found)
      } else {
        collectNewestFirst(first, last, account, filter, &found)
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
  ) -> ListOutcome {
    precondition(capacity >= LedgerLimits.pageBytesMin, "a page takes \(LedgerLimits.pageBytesMin) bytes at least")
    guard limit >= 1, limit <= Limits.pageMax else { return ListOutcome(status: .invalidFilter) }
    guard let account = account(id) else { return ListOutcome(status: .accountUnknown) }
    var found = Page(limit: limit, capacity: capacity)
    var link = unsettledLink(from: start, account, &found)
    while link != 0 {
      let entry = spends[link - 1]
      let textBytes = records.record(at: entry.position).item.textBytes
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
  private func unsettledLink(from start: UInt64, _ account: Account, _ found: inout Page) -> UInt32 {
    let newest = account.newestUnsettled
    if start == 0 || newest == 0 || start >= UInt64(spends[newest - 1].sequence) { return newest }
    var position = records.position(ofSequence: UInt32(start), from: account.lastPosition).position
    while position != 0 {
      let record = records.record(at: position)
      if found.examined == LedgerLimits.examinedMax {
        found.next = UInt64(record.sequence)
        return 0
      }
      if record.item.type == RecordType.spend,
        let number = spends.find(position, hash: hashing.position(position)), spends[number].state == .unsettled
      {
        return number + 1
      }
      found.examined += 1
      position = record.previous
    }
    return 0
  }

  /// The first and the last sequence number that start and times allow; the first is greater when there is none.
  private func sequences(
    of query: HistoryQuery, _ account: Account, _ found: inout Page
  ) -> (first: UInt64, last: UInt64) {
    var first: UInt64 = 1
    var last = UInt64(account.sequence)
    func count(before time: UInt64) -> UInt64 {
      let result = records.newest(from: account.lastPosition) { $0.timestamp < time }
      found.searched += result.reads
      return result.position == 0 ? 0 : UInt64(records.record(at: result.position).sequence)
    }
    if query.timeFrom > account.firstTimestamp { first = count(before: query.timeFrom) + 1 }
    if query.timeTo != 0 && query.timeTo <= account.lastTimestamp { last = count(before: query.timeTo) }
    if query.start != 0 {
      if query.oldestFirst { first = max(first, query.start) } else { last = min(last, query.start) }
    }
    return (first, last)
  }

  private func collectNewestFirst(
    _ first: UInt64, _ last: UInt64, _ account: Account, _ filter: HistoryFilter, _ found: inout Page
  ) {
    var position = account.lastPosition
    if last < UInt64(account.sequence) {
      let result = records.position(ofSequence: UInt32(last), from: position)
      found.searched += result.reads
      position = result.position
    }
    var sequence = last
    while sequence >= first {
      if found.isFull || found.examined == LedgerLimits.examinedMax || !examine(position, filter, &found) {
        found.next = sequence
        return
      }
      position = records.record(at: position).previous
      sequence -= 1
    }
  }

  /// The chain leads from new to old, so that a window of it is gathered first and examined backwards.
  private func collectOldestFirst(
    _ first: UInt64, _ last: UInt64, _ account: Account, _ filter: HistoryFilter, _ found: inout Page
  ) {
    var sequence = first
    while sequence <= last {
      let budget = LedgerLimits.examinedMax - found.examined
      if found.isFull || budget == 0 {
        found.next = sequence
        return
      }
      let room = max(found.limit - found.count, LedgerLimits.windowMin)
      let end = min(last, sequence + UInt64(min(room, LedgerLimits.windowMax, budget)) - 1)
      let window = Int(end - sequence) + 1
      let result = records.position(ofSequence: UInt32(end), from: account.lastPosition)
      found.searched += result.reads + window
      var position = result.position
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: window) { positions in
        for index in (0..<window).reversed() {
          positions[index] = position
          position = records.record(at: position).previous
        }
        for index in 0..<window where found.next == 0 {
          // The window is no longer than the budget, so that only the page can be full before its end.
          if found.isFull || !examine(positions[index], filter, &found) { found.next = sequence + UInt64(index) }
        }
      }
      if found.next != 0 { return }
      sequence = end + 1
    }
  }

  /// Adds the transaction to the page if it matches; false when it matches and does not fit.
  private func examine(_ position: UInt64, _ filter: HistoryFilter, _ found: inout Page) -> Bool {
    let record = records.record(at: position)
    found.examined += 1
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
      let record = records.record(at: page[index])
      storeTransaction(page[index], to: base + target)
      let textBytes = record.item.textBytes
      (base + text).copyMemory(from: record.text, byteCount: textBytes)
      target += TransactionView.bytes
      text += textBytes
    }
    base.zero(text, count: found.bytes - text)
  }
}
