// shardStatus, request: 0 u32 firstShard · 4 u32 reserved
//
// reply: a prelude of 16 bytes, then a row of `stride` bytes for each of `rowCount` shards from `firstShard` on.
//
//   0  u32  stride · 4 u32 rowCount · 8 u64 uptimeNanoseconds
//
// Row, 760 bytes: the words of `ShardStatus.fields` in their order, then two histograms of 36 words each, then the word
// checkpointBlock. A later version may put words behind it and make the stride larger; readers take those that they know.

/// What one shard says about itself. Counters begin with the server's start; gauges are of the shard's last turn.
public struct ShardStatus: Equatable, Sendable {
  /// Bytes of a row in this version.
  public static let bytes = fields.count * 8 + 2 * LatencyHistogram.bytes + 8

  /// Accounts in the shard's ledger.
  public var accounts: UInt64 = 0
  /// Transactions in the shard's ledger.
  public var transactions: UInt64 = 0
  /// Transactions posted since the start, automatic refunds included.
  public var posted: UInt64 = 0
  /// Items answered from an earlier posting of the same id.
  public var replayed: UInt64 = 0
  /// Items that the ledger refused.
  public var itemsRefused: UInt64 = 0
  /// Requests that were taken and post.
  public var postingRequests: UInt64 = 0
  /// Requests that were taken and read.
  public var readingRequests: UInt64 = 0
  /// Requests that were refused as a whole.
  public var requestsRefused: UInt64 = 0
  /// Bytes that connections have received.
  public var bytesReceived: UInt64 = 0
  /// Bytes that connections have sent.
  public var bytesSent: UInt64 = 0
  /// Open connections.
  public var connections: UInt64 = 0
  /// Open connections whose replies wait for a block to be durable.
  public var connectionsHolding: UInt64 = 0
  /// Parts of requests that wait for room in the journal.
  public var partsWaiting: UInt64 = 0
  /// Parts of requests that are executed and wait for a block to be durable.
  public var partsHeld: UInt64 = 0
  /// Memory of journal segments and tables, in bytes.
  public var residentBytes: UInt64 = 0
  /// The newest durable block's number.
  public var journalBlock: UInt64 = 0
  /// The end of what is durable, in bytes from the journal's beginning.
  public var journalPosition: UInt64 = 0
  /// Blocks that were written and synced since the start.
  public var blocksWritten: UInt64 = 0
  /// Bytes that were written and synced since the start.
  public var bytesWritten: UInt64 = 0
  /// How long the journal took to be read back at the start, in nanoseconds.
  public var recoveryNanoseconds: UInt64 = 0
  /// From a request's arrival to its reply's leaving, in nanoseconds, summed over all of `requestHistogram`.
  public var requestNanoseconds: UInt64 = 0
  /// From the beginning of a block's write to the end of its sync, in nanoseconds, summed over all of `flushHistogram`.
  public var flushNanoseconds: UInt64 = 0
  /// Times from a request's arrival to its reply's leaving.
  public var requestHistogram = LatencyHistogram()
  /// Times from the beginning of a block's write to the end of its sync.
  public var flushHistogram = LatencyHistogram()
  /// The block whose state the newest checkpoint has; 0 without one. The next start executes those behind it.
  public var checkpointBlock: UInt64 = 0

  /// A shard of which nothing is known: all zero.
  public init() {}

  /// A word of a row, by the specification's name.
  public struct Field: Sendable {
    /// The specification's name of it.
    public let name: String
    /// Where it is in a `ShardStatus`.
    public let path: any WritableKeyPath<ShardStatus, UInt64> & Sendable
  }

  /// The words of a row before its histograms, in the order of the wire.
  public static let fields: [Field] = [
    Field(name: "accounts", path: \.accounts),
    Field(name: "transactions", path: \.transactions),
    Field(name: "posted", path: \.posted),
    Field(name: "replayed", path: \.replayed),
    Field(name: "itemsRefused", path: \.itemsRefused),
    Field(name: "postingRequests", path: \.postingRequests),
    Field(name: "readingRequests", path: \.readingRequests),
    Field(name: "requestsRefused", path: \.requestsRefused),
    Field(name: "bytesReceived", path: \.bytesReceived),
    Field(name: "bytesSent", path: \.bytesSent),
    Field(name: "connections", path: \.connections),
    Field(name: "connectionsHolding", path: \.connectionsHolding),
    Field(name: "partsWaiting", path: \.partsWaiting),
    Field(name: "partsHeld", path: \.partsHeld),
    Field(name: "residentBytes", path: \.residentBytes),
    Field(name: "journalBlock", path: \.journalBlock),
    Field(name: "journalPosition", path: \.journalPosition),
    Field(name: "blocksWritten", path: \.blocksWritten),
    Field(name: "bytesWritten", path: \.bytesWritten),
    Field(name: "recoveryNanoseconds", path: \.recoveryNanoseconds),
    Field(name: "requestNanoseconds", path: \.requestNanoseconds),
    Field(name: "flushNanoseconds", path: \.flushNanoseconds),
  ]
}

/// How often a time fell into each power of two: bucket n counts those up to 2^n nanoseconds that bucket n-1 does not;
/// the last takes all that are longer.
public struct LatencyHistogram: Equatable, Sendable {
  /// Number of buckets.
  public static let bucketCount = 36
  static let bytes = bucketCount * 8

  /// How many times fell into each bucket.
  public var buckets = [UInt64](repeating: 0, count: bucketCount)

  /// No times.
  public init() {}

  /// How many times were counted.
  public var count: UInt64 { buckets.reduce(0, &+) }

  /// The time, in nanoseconds, that the part `fraction` of all times did not exceed: the bound of its bucket, so at most
  /// twice too long. Zero when none was counted.
  public func bound(_ fraction: Double) -> UInt64 {
    let count = count
    guard count > 0 else { return 0 }
    let wanted = max(1, UInt64((Double(count) * fraction).rounded(.up)))
    var seen: UInt64 = 0
    for (exponent, times) in buckets.enumerated() {
      seen &+= times
      if seen >= wanted { return 1 << exponent }
    }
    return 1 << (Self.bucketCount - 1)
  }
}

/// What `shardStatus` answers: of the shards from the one asked for, as many as a frame holds.
public struct ShardStatusReply: Equatable, Sendable {
  /// Bytes of the request: u32 firstShard, u32 reserved.
  public static let requestBytes = 8
  /// Bytes before the first row.
  public static let preludeBytes = 16

  /// Time since the server's start, in nanoseconds.
  public var uptimeNanoseconds: UInt64
  /// The shards, from the one that was asked for.
  public var shards: [ShardStatus]

  /// A reply of these shards.
  public init(uptimeNanoseconds: UInt64, shards: [ShardStatus]) {
    self.uptimeNanoseconds = uptimeNanoseconds
    self.shards = shards
  }

  /// The shard that a request's body asks for. Throws `malformedBody` and `reservedBits`.
  public static func firstShard(reading body: UnsafeRawBufferPointer) throws(ProtocolError) -> Int {
    guard body.count == requestBytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "shardStatus has a body of \(requestBytes) bytes, not \(body.count)")
    }
    guard base.u32(4) == 0 else {
      throw ProtocolError(.reservedBits, "reserved bytes of shardStatus are set", detail: 4)
    }
    return Int(base.u32(0))
  }

  /// The body in bytes.
  public var encoded: [UInt8] {
    var body = [UInt8](repeating: 0, count: Self.preludeBytes + shards.count * ShardStatus.bytes)
    body.withUnsafeMutableBytes { bytes in
      let base = bytes.baseAddress!
      base.store(u32: UInt32(ShardStatus.bytes), 0)
      base.store(u32: UInt32(shards.count), 4)
      base.store(u64: uptimeNanoseconds, 8)
      for (index, shard) in shards.enumerated() {
        shard.store(to: base + Self.preludeBytes + index * ShardStatus.bytes)
      }
    }
    return body
  }

  /// Throws `malformedBody` when the lengths do not fit. Rows may be longer than this version's.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= Self.preludeBytes, let base = body.baseAddress else {
      throw ProtocolError(
        .malformedBody, "a shard status takes \(Self.preludeBytes) bytes, this body has \(body.count)")
    }
    let stride = Int(base.u32(0))
    let count = Int(base.u32(4))
    guard stride >= ShardStatus.bytes, stride.isMultiple(of: 8) else {
      throw ProtocolError(.malformedBody, "rows of \(stride) bytes; they have \(ShardStatus.bytes) or more")
    }
    let (rows, overflow) = stride.multipliedReportingOverflow(by: count)
    guard !overflow, rows == body.count - Self.preludeBytes else {
      throw ProtocolError(.malformedBody, "\(count) rows of \(stride) bytes in a body of \(body.count)", detail: 4)
    }
    uptimeNanoseconds = base.u64(8)
    shards = (0..<count).map { ShardStatus(reading: base + Self.preludeBytes + $0 * stride) }
  }
}

extension ShardStatus {
  fileprivate func store(to base: UnsafeMutableRawPointer) {
    var offset = 0
    func add(_ word: UInt64) {
      base.store(u64: word, offset)
      offset += 8
    }
    for field in Self.fields { add(self[keyPath: field.path]) }
    for histogram in [requestHistogram, flushHistogram] { histogram.buckets.forEach(add) }
    add(checkpointBlock)
  }

  fileprivate init(reading base: UnsafeRawPointer) {
    self.init()
    var offset = 0
    func next() -> UInt64 {
      defer { offset += 8 }
      return base.u64(offset)
    }
    for field in Self.fields { self[keyPath: field.path] = next() }
    for bucket in 0..<LatencyHistogram.bucketCount { requestHistogram.buckets[bucket] = next() }
    for bucket in 0..<LatencyHistogram.bucketCount { flushHistogram.buckets[bucket] = next() }
    checkpointBlock = next()
  }
}
