import ManaProtocol

/// Where a transaction comes in its account's chain.
struct Link {
  var previous: UInt64
  var jump: UInt64
  var sequence: UInt32
}

/// Where a new record belongs.
struct Place {
  var account: Account
  /// Of the record's id.
  var hash: UInt64
  /// Of the id in the transaction index.
  var vacancy: HashIndex.Vacancy
}

/// What a new record got.
struct Stamp {
  var sequence: UInt32
  var timestamp: UInt64
}

extension Ledger {
  /// Writes a transaction's record and makes it part of the state. Every check has been passed. Constant time.
  @inline(__always)
  mutating func append(
    _ item: ItemView, _ text: UnsafeRawPointer, typeByte: UInt8, amount: UInt64, balance: Int64, _ place: Place,
    _ now: UInt64, _ writer: inout RecordWriter
  ) -> Stamp {
    let timestamp = max(lastTimestamp &+ 1, now)
    let position = writer.position
    let link = advance(
      place.account, operation: item.operation, amount: amount, balance: balance, position: position,
      timestamp: timestamp)
    write(
      item, text, typeByte: typeByte, amount: amount, balance: balance, timestamp: timestamp, link: link, &writer)
    transactions.insert(place.hash, payload: position, at: place.vacancy)
    return Stamp(sequence: link.sequence, timestamp: timestamp)
  }

  /// Makes a transaction part of its account and of the digest.
  @inline(__always)
  mutating func advance(
    _ account: Account, operation: UInt8, amount: UInt64, balance: Int64, position: UInt64, timestamp: UInt64
  ) -> Link {
    let id = StateDigest.account(low: account.idLow, high: account.idHigh)
    let sequence = account.sequence &+ 1
    if sequence == 1 {
      account.firstTimestamp = timestamp
    } else {
      digest &-= StateDigest.share(account: id, balance: account.balance, sequence: account.sequence)
    }
    digest &+= StateDigest.share(account: id, balance: balance, sequence: sequence)
    let link = Link(previous: account.lastPosition, jump: account.advanceJump(&accounts.overflows), sequence: sequence)
    account.balance = balance
    account.lastPosition = position
    account.lastTimestamp = timestamp
    account.sequence = sequence
    account.add(amount, to: operation)
    lastTimestamp = timestamp
    transactionCount &+= 1
    return link
  }

  /// Writes a record that is not part of a history: a settlement that refunded nothing, or a tombstone.
  mutating func appendAside(
    _ item: ItemView, _ text: UnsafeRawPointer, type: UInt8, _ place: Place, _ now: UInt64,
    _ writer: inout RecordWriter
  ) -> Stamp {
    let timestamp = max(lastTimestamp &+ 1, now)
    lastTimestamp = timestamp
    let position = writer.position
    write(
      item, text, typeByte: item.flags.rawValue | type, amount: item.amount, balance: place.account.balance,
      timestamp: timestamp, link: Link(previous: 0, jump: 0, sequence: 0), &writer)
    transactions.insert(place.hash, payload: position, at: place.vacancy)
    place.account.lastAsidePosition = position
    return Stamp(sequence: 0, timestamp: timestamp)
  }

  /// Writes a record; see RecordLayout.swift.
  @inline(__always)
  private func write(
    _ item: ItemView, _ text: UnsafeRawPointer, typeByte: UInt8, amount: UInt64, balance: Int64, timestamp: UInt64,
    link: Link, _ writer: inout RecordWriter
  ) {
    let record = writer.cursor
    RecordView.store(item, amount: amount, balance: balance, timestamp: timestamp, link: link, to: record)
    record.store(u8: typeByte, 60)
    let textBytes = item.textBytes
    let size = RecordLayout.size(textBytes: textBytes)
    if textBytes != 0 {
      let padding = size &- RecordLayout.bytes &- textBytes
      (record + RecordLayout.bytes).copyMemory(from: text, byteCount: textBytes)
      record.zero(RecordLayout.bytes &+ textBytes, count: padding)
    }
    writer.advance(size)
  }
}
