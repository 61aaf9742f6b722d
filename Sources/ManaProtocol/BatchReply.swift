// The body of a reply to a posting call: prelude (16 bytes), then one result an item.
//
//   0  u16  resultStride   16 or 40              result:   0  u16  status
//   2  u16  reserved                                       2  u8   flags      bit 0 replayed
//   4  u32  itemCount                                      3  u8   field      of an idConflict
//   8  u32  postedCount                                    4  u32  sequence
//  12  u32  replayedCount                                  8  u64  amount
//                                              full only: 16  i64  balance
//                                                         24  u64  timestamp
//                                                         32  u64  refundable

/// The result of one item.
public struct ItemResult: Equatable, Sendable {
  /// Bytes of a result without and with balance, timestamp and refundable amount.
  @inlinable @inline(__always) public static var compactBytes: Int { 16 }
  @inlinable @inline(__always) public static var fullBytes: Int { 40 }
  /// Bit of the flags byte.
  @inlinable @inline(__always) public static var replayedBit: UInt8 { 1 }

  public var status: Status
  public var replayed: Bool
  /// The first field that differs, for `idConflict`.
  public var field: ConflictField?
  /// The transaction's sequence number, 0 when refused.
  public var sequence: UInt32
  /// The transaction's amount in micromana, 0 when refused.
  public var amount: UInt64
  /// After the transaction; when refused, the account's present balance. In micromana; 0 in compact results.
  public var balance: Int64
  /// Nanoseconds since 1970, 0 when refused and in compact results.
  public var timestamp: UInt64
  /// What can still be refunded of the spend concerned, in micromana; 0 in compact results.
  public var refundable: UInt64

  @inlinable
  public init(
    status: Status, replayed: Bool = false, field: ConflictField? = nil, sequence: UInt32 = 0, amount: UInt64 = 0,
    balance: Int64 = 0, timestamp: UInt64 = 0, refundable: UInt64 = 0
  ) {
    self.status = status
    self.replayed = replayed
    self.field = field
    self.sequence = sequence
    self.amount = amount
    self.balance = balance
    self.timestamp = timestamp
    self.refundable = refundable
  }

  /// Writes the first `stride` bytes of the result, 16 or 40, to `base`. Constant time.
  @inlinable @inline(__always)
  public func store(to base: UnsafeMutableRawPointer, stride: Int) {
    base.store(u16: status.rawValue, 0)
    base.store(u8: replayed ? Self.replayedBit : 0, 2)
    base.store(u8: field?.rawValue ?? 0, 3)
    base.store(u32: sequence, 4)
    base.store(u64: amount, 8)
    guard stride == Self.fullBytes else { return }
    base.store(i64: balance, 16)
    base.store(u64: timestamp, 24)
    base.store(u64: refundable, 32)
  }

  /// Reads a result of `stride` bytes, 16 or 40. Nil when its status or field is none that version 1 knows.
  @inlinable @inline(__always)
  public init?(reading base: UnsafeRawPointer, stride: Int) {
    self.init(status: .ok, replayed: base.u8(2) != 0, sequence: base.u32(4), amount: base.u64(8))
    // Nearly every result is of a transaction that was posted, and is known by one comparison.
    if base.u32(0) & ~(UInt32(Self.replayedBit) << 16) != 0 {
      guard let (status, field) = Self.refusal(reading: base) else { return nil }
      self.status = status
      self.field = field
    }
    guard stride == Self.fullBytes else { return }
    balance = base.i64(16)
    timestamp = base.u64(24)
    refundable = base.u64(32)
  }
}

extension ItemResult {
  /// Status and field of a result that is not merely `ok`.
  @usableFromInline
  static func refusal(reading base: UnsafeRawPointer) -> (Status, ConflictField?)? {
    guard let status = Status(rawValue: base.u16(0)), base.u8(2) & ~replayedBit == 0 else { return nil }
    let field = ConflictField(rawValue: base.u8(3))
    guard field != nil || base.u8(3) == 0 else { return nil }
    return (status, field)
  }
}

/// A posting reply's body where it lies, after its layout has been checked. Valid as long as the bytes are.
public struct BatchReplyView {
  /// Bytes of the prelude.
  public static let preludeBytes = 16

  public let stride: Int
  public let count: Int
  public let postedCount: Int
  public let replayedCount: Int
  /// The first result; result *i* is `stride` × *i* bytes further.
  public let results: UnsafeRawPointer

  /// Throws `malformedBody` when lengths do not fit, `reservedBits`. Constant time.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= Self.preludeBytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "a batch reply begins with 16 bytes, this one has \(body.count)")
    }
    stride = Int(base.u16(0))
    count = Int(base.u32(4))
    postedCount = Int(base.u32(8))
    replayedCount = Int(base.u32(12))
    guard stride == ItemResult.compactBytes || stride == ItemResult.fullBytes, count <= Limits.itemsMax,
      body.count == Self.bodyBytes(count: count, stride: stride)
    else { throw ProtocolError(.malformedBody, "\(count) results of \(stride) bytes in \(body.count) bytes") }
    guard base.u16(2) == 0 else {
      throw ProtocolError(.reservedBits, "reserved bytes of a batch reply are set", detail: 2)
    }
    results = base + Self.preludeBytes
  }

  /// Result *i*; `index` must be below `count`. Nil when it has a status that version 1 does not know.
  public subscript(index: Int) -> ItemResult? {
    precondition(index >= 0 && index < count, "result \(index) of \(count)")
    return ItemResult(reading: results + index * stride, stride: stride)
  }

  /// Writes the prelude to `base`.
  public static func storePrelude(
    to base: UnsafeMutableRawPointer, stride: Int, count: Int, posted: Int, replayed: Int
  ) {
    base.store(u16: UInt16(stride), 0)
    base.store(u16: 0, 2)
    base.store(u32: UInt32(count), 4)
    base.store(u32: UInt32(posted), 8)
    base.store(u32: UInt32(replayed), 12)
  }

  /// Length of the body in bytes.
  public static func bodyBytes(count: Int, stride: Int) -> Int { preludeBytes + count * stride }
}
