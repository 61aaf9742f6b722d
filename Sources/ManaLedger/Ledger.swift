import ManaProtocol

/// One shard of the ledger: accounts, their transactions and how to find them. Deterministic: state, items and a time
/// give results and records. It does no input or output, reads no clock and draws no random number.
///
/// The records it writes are the journal's, and everything else here is an index over them that `replay` builds again.
/// Not to be used by two threads at once.
public struct Ledger: ~Copyable {
  let records: RecordSpace
  let hashing: TableHash
  /// What `hashing` follows from.
  let tableSeed: UInt64
  var accounts = AccountTable()
  /// Positions of records by account and id; of a tombstone also by account and void id.
  var transactions = HashIndex()
  var spends = SpendTable()

  /// Of the newest record, in nanoseconds since 1970; 0 before the first.
  public internal(set) var lastTimestamp: UInt64 = 0
  /// Transactions in all histories.
  public internal(set) var transactionCount: UInt64 = 0
  /// Of the whole state: the sum over accounts of a hash of id, balance and sequence number; see `StateDigest`. The
  /// same for the same transactions, whatever the table seed.
  public internal(set) var digest: UInt64 = 0

  /// What is known of the items that are on their way, by the lower bits of their index.
  let prepared: UnsafeMutablePointer<Prepared>
  /// Room for the positions of one page.
  let page: UnsafeMutablePointer<UInt64>
  /// Room for an item that the ledger itself makes up.
  let ownItem: UnsafeMutableRawPointer

  /// An empty shard.
  ///
  /// - Parameters:
  ///   - records: where records are read. A record must be readable there as soon as it is written.
  ///   - tableSeed: a secret random number, so that nobody can choose ids that degrade the tables. It changes nothing
  ///     that anyone sees.
  ///   - hashBits: of a transaction's hash, the bits that count; with few of them the records of different ids have the
  ///     same hash, which is otherwise too rare to be tested. It changes nothing that anyone sees either.
  public init(records: RecordSpace, tableSeed: UInt64, hashBits: UInt64 = .max) {
    self.records = records
    self.tableSeed = tableSeed
    hashing = TableHash(seed: tableSeed, transactionBits: hashBits)
    prepared = .allocate(capacity: LedgerLimits.preparedItems)
    page = .allocate(capacity: LedgerLimits.windowMax)
    ownItem = .allocate(byteCount: Item.bytes, alignment: 64)
  }

  deinit {
    prepared.deallocate()
    page.deallocate()
    ownItem.deallocate()
  }

  /// Number of accounts.
  public var accountCount: Int { accounts.count }

  /// Memory of all tables, in bytes. The records are the journal's.
  public var memoryBytes: Int { accounts.bytes + transactions.bytes + spends.bytes }

  /// Has memory ready for so many more transactions and accounts.
  ///
  /// The system hands memory out page by page when it is first touched, which takes milliseconds for two megabytes on
  /// some machines. A server that calls this when it starts, and again when it has nothing to do, spares its batches
  /// that; what is ready already is not made again. Takes time in proportion to the memory that is missing: up to 27
  /// bytes a transaction and 283 an account.
  public mutating func prepare(transactions: Int, accounts: Int) {
    self.transactions.prepare(transactions)
    self.accounts.prepare(accounts)
  }

  /// When the earliest settlement times out, in nanoseconds since 1970; nil when no spend is unsettled. Constant time.
  public var nextDeadline: UInt64? { spends.nextDeadline }

  /// Number of unsettled spends.
  public var unsettledCount: Int { spends.unsettledCount }

  /// The account with this id. Constant time.
  @inline(__always)
  func account(_ id: UInt128) -> Account? { accounts.find(id, hash: hashing.account(id)) }
}
