// A transaction in a reply, 96 bytes: the 64 bytes of its item, then
//
//  64  i64  balanceAfter
//  72  u64  timestamp
//  80  u64  refunded      spend: refunded so far
//  88  u8   settlement    see SettlementState
//  89  3 bytes reserved, zero
//  92  u32  sequence
//
// A journal record has the same first 80 bytes and the same sequence number at 92, so that a page is copied out of the
// journal, and only bytes 80 to 91 are written anew.

/// A transaction of a page or a look-up where it lies. Valid as long as the bytes are.
public struct TransactionView {
  /// Bytes of a transaction without its text.
  public static let bytes = 96

  public let base: UnsafeRawPointer

  @inlinable @inline(__always)
  public init(_ base: UnsafeRawPointer) { self.base = base }

  @inlinable @inline(__always) public var item: ItemView { ItemView(base) }
  /// In micromana.
  @inlinable @inline(__always) public var balanceAfter: Int64 { base.i64(64) }
  /// Nanoseconds since 1970.
  @inlinable @inline(__always) public var timestamp: UInt64 { base.u64(72) }
  /// Of a spend, in micromana.
  @inlinable @inline(__always) public var refunded: UInt64 { base.u64(80) }
  /// Nil when the code is none that version 1 knows.
  @inlinable @inline(__always) public var settlement: SettlementState? { SettlementState(rawValue: base.u8(88)) }
  @inlinable @inline(__always) public var sequence: UInt32 { base.u32(92) }

  /// Throws `reservedBits` when a reserved byte is set. Constant time.
  func checkReserved() throws(ProtocolError) {
    guard base.u32(88) & ~0xFF == 0 else {
      throw ProtocolError(.reservedBits, "reserved bytes of a transaction are set", detail: 89)
    }
  }

  /// Overwrites, in a copy of a record, what a reply has in the place of the record's positions. Constant time.
  @inlinable @inline(__always)
  public static func storeReplyFields(
    to base: UnsafeMutableRawPointer, refunded: UInt64, settlement: SettlementState
  ) {
    base.store(u64: refunded, 80)
    base.store(u32: UInt32(settlement.rawValue), 88)
  }
}
