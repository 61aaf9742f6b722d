import ManaProtocol

/// The server's own limits, with their units and reasons. What a client must know of them is in `ManaProtocol.Limits`.
enum ServerLimits {
  /// Connections of the whole server. Each idle one costs less than 4 KiB; a leaking caller meets this before the
  /// process meets its descriptor limit.
  static let connectionsMax = 10_000

  /// Largest reply body of a read, in bytes: a frame without its header.
  static let replyBodyBytesMax = Limits.frameBytesMax - FrameHeader.bytes

  /// How often a shard looks at handshakes that take too long, and at settlements when nothing else wakes it, in
  /// milliseconds. A quarter of the second within which a passed deadline is refunded.
  static let tickMilliseconds: UInt64 = 250

  /// How long the last durable block may stay unnamed by a later one when nothing follows, in milliseconds. Longer than
  /// a busy caller's pause between two requests, short enough that a power cut seldom falls into it.
  static let closingBlockMilliseconds: UInt64 = 5

  /// Most automatic refunds posted in one turn: at about a microsecond each they leave the turn below 5 ms.
  static let expiriesPerTurn = 1_000

  /// How long a shutdown waits for what is in flight, in milliseconds. A disk that takes longer than this to sync has
  /// failed.
  static let drainMilliseconds: UInt64 = 10_000

  /// What a client is told to wait before it tries again, in microseconds.
  static let retryAfterMicroseconds: UInt32 = 100_000

  /// Transactions and accounts of a shard for which table memory is made ready at the start: 27 and 14 MB. The system
  /// hands memory out page by page when it is first touched, which a batch would otherwise wait for.
  static let preparedTransactions = 1_000_000
  static let preparedAccounts = 50_000

  /// First allocation for held replies of a connection, in bytes.
  static let heldBytesInitial = 4_096

  /// Held-reply storage above this is given back when it is empty, in bytes.
  static let heldBytesKept = 1 << 20
}
