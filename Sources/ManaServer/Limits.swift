import ManaProtocol

/// The server's own limits, with their units and reasons. What a client must know of them is in `ManaProtocol.Limits`.
enum ServerLimits {
  /// Descriptors that a server needs beside those of its connections: for journals, loops, logs, and scrapers.
  static let descriptorsBesideConnections = 512

  /// The least that a shard's connections may hold in memory together, in bytes: one that uses its own limits to the full
  /// holds 8 MiB of replies, a reply more and a frame of 1 MiB.
  static let connectionMemoryBytesMin = 16 << 20

  /// Past its memory limit a shard closes connections until they hold this part of it, so that it need not begin again at
  /// the next frame.
  static func connectionMemoryBytesAfter(_ limit: Int) -> Int { limit / 4 * 3 }

  /// Most entries of a connection's log of arrivals: what has to wait comes in a few pieces, unless it dribbles.
  static let arrivalsKept = 64

  /// Input in bytes from which on the frames behind the first are looked at ahead: some four small calls.
  static let lookedAheadBytesMin = 512

  /// Longest frame in bytes that is looked at ahead: a call of one item, with its texts and a trace. Longer ones fetch
  /// ahead among their own items.
  static let lookedAtBytesMax = 1_024

  /// Turns in a row in which one caller alone asked for one thing, after which the loop itself writes what that brings:
  /// enough that nobody is taken for alone who is one of many.
  static let lonelyTurnsMin = 16

  /// Largest reply body of a read, in bytes: a frame without its header.
  static let replyBodyBytesMax = Limits.frameBytesMax - FrameHeader.bytes

  /// Parts of requests of a shard that may wait for records which are not in memory. Each pins what it has waited for: some
  /// hundred kilobytes at most, for a page of a thousand transactions with the longest texts.
  static let recordWaitersMax = 1_024

  /// How often a shard looks at handshakes that take too long, and at settlements when nothing else wakes it, in
  /// milliseconds. A quarter of the second within which a passed deadline is refunded.
  static let tickMilliseconds: UInt64 = 250

  /// How long the last durable block may stay unnamed by a later one when nothing follows, in milliseconds. Longer than
  /// a busy caller's pause between two requests, short enough that a power cut seldom falls into it.
  static let closingBlockMilliseconds: UInt64 = 5

  /// Items that a turn executes before it ends behind the next whole request: a millisecond's worth. What is ready then has
  /// the next turn, behind those that had none in this one.
  static let itemsPerTurn = Limits.itemsMax

  /// Most automatic refunds posted in one turn: at about a microsecond each they leave the turn below 5 ms.
  static let expiriesPerTurn = 1_000

  /// How often the spend of a timeout is read back before it is put off by an hour and others get their turn, and how long
  /// each try waits for the next, in milliseconds.
  static let expiryReadsMax = 10
  static let expiryRetryMilliseconds: UInt64 = 1_000

  /// How long a shutdown waits for what is in flight, in milliseconds. A disk that takes longer than this to sync has
  /// failed.
  static let drainMilliseconds: UInt64 = 10_000

  /// What a client is told to wait before it tries again, in microseconds.
  static let retryAfterMicroseconds: UInt32 = 100_000

  /// Transactions and accounts of a shard for which table memory is made ready at the start: 27 and 14 MB. The system
  /// hands memory out page by page when it is first touched, which a batch would otherwise wait for.
  static let preparedTransactions = 1_000_000
  static let preparedAccounts = 50_000

  /// Of the pieces of memory that are touched ahead for tables (2 MiB each, four of a table), how many may still be
  /// missing while batches are executed: a batch takes less than the others hold.
  static let tablePiecesPendingMax = 2

  /// Allocations from this size on are mapped one by one, in bytes: larger than a request and its reply together.
  static let mappedAllocationBytesMin: Int32 = 4 << 20

  /// What the allocator keeps of freed memory, in bytes: a few of the largest requests with their replies.
  static let freedBytesKept: Int32 = 16 << 20

  /// First allocation for held replies of a connection, in bytes.
  static let heldBytesInitial = 4_096

  /// Held-reply storage above this is given back when it is empty, in bytes.
  static let heldBytesKept = 1 << 20
}
