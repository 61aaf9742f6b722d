// getAccount, reply, 232 bytes:
//
//   0  u128 account              64  u64  transactions
//  16  i64  balance              72  u64  firstTimestamp
//  24  u64  lifetimeSpent        80  u64  lastTimestamp
//  32  u64  lifetimePurchased    88  u64  unsettledCount
//  40  u64  lifetimeRefunded     96  u32  operationCount, 8
//  48  u64  lifetimeBonus       100  u32  reserved
//  56  u64  unsettled           104  8 × (u64 sum, u64 count), operations 1 to 8

/// Sum and number of an account's transactions of one operation.
public struct OperationTotal: Equatable, Sendable {
  /// Sum of the amounts in micromana.
  public var amount: UInt64
  public var count: UInt64

  @inlinable
  public init(amount: UInt64 = 0, count: UInt64 = 0) {
    self.amount = amount
    self.count = count
  }
}

/// What `getAccount` answers: the head of the customer's usage page.
///
/// `balance = lifetimePurchased + lifetimeBonus + lifetimeRefunded − lifetimeSpent`, for anyone to check.
public struct AccountOverview: Equatable, Sendable {
  /// Bytes of the reply.
  public static let bytes = 104 + Operation.allCases.count * 16

  public var account: UInt128
  /// In micromana, like every amount here.
  public var balance: Int64
  /// The sum of unsettled spends, which are part of `lifetimeSpent`.
  public var unsettled: UInt64
  public var unsettledCount: UInt64
  /// Number of transactions.
  public var transactions: UInt64
  /// Nanoseconds since 1970.
  public var firstTimestamp: UInt64
  public var lastTimestamp: UInt64
  /// By operation code; element 0 belongs to operation 1.
  public var operations: [OperationTotal]

  public init(
    account: UInt128, balance: Int64, unsettled: UInt64, unsettledCount: UInt64, transactions: UInt64,
    firstTimestamp: UInt64, lastTimestamp: UInt64, operations: [OperationTotal]
  ) {
    precondition(operations.count == Operation.allCases.count, "one total an operation")
    self.account = account
    self.balance = balance
    self.unsettled = unsettled
    self.unsettledCount = unsettledCount
    self.transactions = transactions
    self.firstTimestamp = firstTimestamp
    self.lastTimestamp = lastTimestamp
    self.operations = operations
  }

  /// The total of one operation.
  public subscript(operation: Operation) -> OperationTotal { operations[Int(operation.rawValue) - 1] }

  /// Everything ever spent, purchased, refunded or given as a bonus, in micromana.
  public func lifetime(_ type: TransactionType) -> UInt64 {
    Operation.allCases.reduce(0) { $0 + ($1.type == type ? self[$1].amount : 0) }
  }

  /// Writes the 232 bytes to `base`.
  public func store(to base: UnsafeMutableRawPointer) {
    base.store(u128: account, 0)
    base.store(i64: balance, 16)
    base.store(u64: lifetime(.spend), 24)
    base.store(u64: lifetime(.purchase), 32)
    base.store(u64: lifetime(.refund), 40)
    base.store(u64: lifetime(.bonus), 48)
    base.store(u64: unsettled, 56)
    base.store(u64: transactions, 64)
    base.store(u64: firstTimestamp, 72)
    base.store(u64: lastTimestamp, 80)
    base.store(u64: unsettledCount, 88)
    base.store(u32: UInt32(operations.count), 96)
    base.store(u32: 0, 100)
    for (index, total) in operations.enumerated() {
      base.store(u64: total.amount, 104 + index * 16)
      base.store(u64: total.count, 112 + index * 16)
    }
  }

  /// Throws `malformedBody` when the length does not fit, `reservedBits`. Constant time.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count == Self.bytes, let base = body.baseAddress, Int(base.u32(96)) == Operation.allCases.count else {
      throw ProtocolError(.malformedBody, "an account takes \(Self.bytes) bytes, this body has \(body.count)")
    }
    guard base.u32(100) == 0 else {
      throw ProtocolError(.reservedBits, "reserved bytes of an account are set", detail: 100)
    }
    self.init(
      account: base.u128(0), balance: base.i64(16), unsettled: base.u64(56), unsettledCount: base.u64(88),
      transactions: base.u64(64), firstTimestamp: base.u64(72), lastTimestamp: base.u64(80),
      operations: Operation.allCases.indices.map {
        OperationTotal(amount: base.u64(104 + $0 * 16), count: base.u64(112 + $0 * 16))
      })
  }
}

// balanceAt, request: u128 account, u64 time.   reply: 0 i64 balance · 8 u64 sequence · 16 u64 timestamp

/// The last transaction that is not after a moment, and the balance that it left; all zero when there is none.
public struct BalanceAt: Equatable, Sendable {
  /// Bytes of the reply.
  public static let bytes = 24
  /// Bytes of the request.
  public static let requestBytes = 24

  /// In micromana.
  public var balance: Int64
  public var sequence: UInt64
  /// Nanoseconds since 1970.
  public var timestamp: UInt64

  public init(balance: Int64, sequence: UInt64, timestamp: UInt64) {
    self.balance = balance
    self.sequence = sequence
    self.timestamp = timestamp
  }

  public func store(to base: UnsafeMutableRawPointer) {
    base.store(i64: balance, 0)
    base.store(u64: sequence, 8)
    base.store(u64: timestamp, 16)
  }

  /// Throws `malformedBody` when the length does not fit.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count == Self.bytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "a balance takes \(Self.bytes) bytes, this body has \(body.count)")
    }
    self.init(balance: base.i64(0), sequence: base.u64(8), timestamp: base.u64(16))
  }
}

// lookupTransaction, request: u128 account, u128 id.   reply: u32 textBytes · u32 reserved · transaction · text · padding

/// A look-up's reply where it lies, after its layout has been checked. Valid as long as the bytes are.
public struct LookupReplyView {
  /// Bytes of the request.
  public static let requestBytes = 32
  /// Bytes before the transaction.
  public static let preludeBytes = 8

  public let transaction: TransactionView
  /// The reference, then the note.
  public let text: UnsafeRawBufferPointer

  /// Throws `malformedBody` when lengths do not fit, `reservedBits`. Constant time.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    let fixed = Self.preludeBytes + TransactionView.bytes
    guard body.count >= fixed, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "a looked-up transaction takes at least \(fixed) bytes")
    }
    let textBytes = Int(base.u32(0))
    transaction = TransactionView(base + Self.preludeBytes)
    guard body.count == Self.bodyBytes(textBytes: textBytes), transaction.item.textBytes == textBytes else {
      throw ProtocolError(.malformedBody, "\(textBytes) bytes of text in \(body.count) bytes")
    }
    let end = fixed + textBytes
    guard base.u32(4) == 0, base.isZero(end, count: body.count - end) else {
      throw ProtocolError(.reservedBits, "reserved bytes or the padding of a looked-up transaction are set", detail: 4)
    }
    try transaction.checkReserved()
    text = UnsafeRawBufferPointer(start: base + fixed, count: textBytes)
  }

  /// Length of the reply in bytes.
  public static func bodyBytes(textBytes: Int) -> Int {
    paddedToWords(preludeBytes + TransactionView.bytes + textBytes)
  }
}

// serverStatus, reply, 64 bytes:
//
//   0  u64  uptimeNanoseconds      32  u64  blocksSinceStart
//   8  u64  accounts               40  u64  flushNanosecondsLast
//  16  u64  transactions           48  u64  residentBytes
//  24  u64  postedSinceStart       56  u32  connections · 60 u32 shardCount

/// What `serverStatus` answers.
public struct ServerStatus: Equatable, Sendable {
  /// Bytes of the reply.
  public static let bytes = 64

  /// Time since the server's start, in nanoseconds.
  public var uptimeNanoseconds: UInt64 = 0
  /// Accounts in the ledger.
  public var accounts: UInt64 = 0
  /// Transactions in the ledger.
  public var transactions: UInt64 = 0
  /// Transactions posted since the server's start.
  public var postedSinceStart: UInt64 = 0
  /// Blocks of the journal written since the server's start.
  public var blocksSinceStart: UInt64 = 0
  /// How long the last write to the disk took, its sync included, in nanoseconds.
  public var flushNanosecondsLast: UInt64 = 0
  /// Memory of the server, in bytes.
  public var residentBytes: UInt64 = 0
  /// Connections that are open.
  public var connections: UInt32 = 0
  /// Shards of the ledger.
  public var shardCount: UInt32 = 0

  /// The status of a server of which nothing is known: all zero.
  public init() {}

  /// Writes the 64 bytes to `base`.
  public func store(to base: UnsafeMutableRawPointer) {
    base.store(u64: uptimeNanoseconds, 0)
    base.store(u64: accounts, 8)
    base.store(u64: transactions, 16)
    base.store(u64: postedSinceStart, 24)
    base.store(u64: blocksSinceStart, 32)
    base.store(u64: flushNanosecondsLast, 40)
    base.store(u64: residentBytes, 48)
    base.store(u32: connections, 56)
    base.store(u32: shardCount, 60)
  }

  /// Throws `malformedBody` when the length does not fit.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count == Self.bytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "a server status takes \(Self.bytes) bytes, this body has \(body.count)")
    }
    uptimeNanoseconds = base.u64(0)
    accounts = base.u64(8)
    transactions = base.u64(16)
    postedSinceStart = base.u64(24)
    blocksSinceStart = base.u64(32)
    flushNanosecondsLast = base.u64(40)
    residentBytes = base.u64(48)
    connections = base.u32(56)
    shardCount = base.u32(60)
  }
}
