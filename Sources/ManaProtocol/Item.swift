// One item of a batch, 64 bytes; offsets in bytes, integers little-endian:
//
//   0  u128  id
//  16  u128  account
//  32  u128  related         refund, settlement: the spend; unsettled spend: timeout in milliseconds
//  48  u64   amount          micromana
//  56  u32   quantity
//  60  u8    type and flags  bits 0–3 type, 4 remaining, 5 voidIfUnknown, 6 unsettled, 7 reserved
//  61  u8    operation
//  62  u8    referenceBytes
//  63  u8    noteBytes
//
// The first 64 bytes of a transaction in a reply and of a record in the journal have the same layout.

/// Bits 4 to 7 of an item's type byte.
public struct ItemFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// A refund of everything that is left; a settlement with everything used.
  @inlinable @inline(__always) public static var remaining: ItemFlags { ItemFlags(rawValue: 0x10) }
  /// A refund of an unknown spend leaves a tombstone.
  @inlinable @inline(__always) public static var voidIfUnknown: ItemFlags { ItemFlags(rawValue: 0x20) }
  /// A spend that is refunded unless it is settled in time.
  @inlinable @inline(__always) public static var unsettled: ItemFlags { ItemFlags(rawValue: 0x40) }
  /// The bits of the byte that are flags.
  @inlinable @inline(__always) public static var mask: UInt8 { 0xF0 }
}

/// One item as a value, to be written into a batch or taken out of a reply.
public struct Item: Equatable, Sendable {
  /// Bytes of an item.
  @inlinable @inline(__always) public static var bytes: Int { 64 }

  public var id: UInt128
  public var account: UInt128
  public var related: UInt128
  /// In micromana.
  public var amount: UInt64
  public var quantity: UInt32
  /// The type's code; see `TransactionType`.
  public var type: UInt8
  public var flags: ItemFlags
  /// The operation's code; see `Operation`.
  public var operation: UInt8
  public var referenceBytes: UInt8
  public var noteBytes: UInt8

  @inlinable
  public init(
    id: UInt128, account: UInt128, related: UInt128 = 0, amount: UInt64, quantity: UInt32 = 0,
    type: TransactionType, flags: ItemFlags = [], operation: Operation?, referenceBytes: Int = 0, noteBytes: Int = 0
  ) {
    self.id = id
    self.account = account
    self.related = related
    self.amount = amount
    self.quantity = quantity
    self.type = type.rawValue
    self.flags = flags
    self.operation = operation?.rawValue ?? 0
    self.referenceBytes = UInt8(referenceBytes)
    self.noteBytes = UInt8(noteBytes)
  }

  /// Reads the 64 bytes at `base`. Constant time.
  @inlinable
  public init(reading base: UnsafeRawPointer) {
    let view = ItemView(base)
    id = view.id
    account = view.account
    related = view.related
    amount = view.amount
    quantity = view.quantity
    type = view.type
    flags = view.flags
    operation = view.operation
    referenceBytes = UInt8(view.referenceBytes)
    noteBytes = UInt8(view.noteBytes)
  }

  /// Writes the 64 bytes to `base`. Constant time.
  @inlinable
  public func store(to base: UnsafeMutableRawPointer) {
    base.store(u128: id, 0)
    base.store(u128: account, 16)
    base.store(u128: related, 32)
    base.store(u64: amount, 48)
    base.store(u32: quantity, 56)
    base.store(u8: type | flags.rawValue, 60)
    base.store(u8: operation, 61)
    base.store(u8: referenceBytes, 62)
    base.store(u8: noteBytes, 63)
  }
}

/// An item where it lies: 64 bytes of a request, a record or a reply. Each field is loaded when it is asked for.
/// Valid as long as the bytes are.
public struct ItemView {
  public let base: UnsafeRawPointer

  @inlinable @inline(__always)
  public init(_ base: UnsafeRawPointer) { self.base = base }

  @inlinable @inline(__always) public var id: UInt128 { base.u128(0) }
  @inlinable @inline(__always) public var account: UInt128 { base.u128(16) }
  @inlinable @inline(__always) public var related: UInt128 { base.u128(32) }
  /// In micromana.
  @inlinable @inline(__always) public var amount: UInt64 { base.u64(48) }
  @inlinable @inline(__always) public var quantity: UInt32 { base.u32(56) }
  /// The type's code, without the flags.
  @inlinable @inline(__always) public var type: UInt8 { base.u8(60) & ~ItemFlags.mask }
  @inlinable @inline(__always) public var flags: ItemFlags { ItemFlags(rawValue: base.u8(60) & ItemFlags.mask) }
  @inlinable @inline(__always) public var operation: UInt8 { base.u8(61) }
  @inlinable @inline(__always) public var referenceBytes: Int { Int(base.u8(62)) }
  @inlinable @inline(__always) public var noteBytes: Int { Int(base.u8(63)) }
  /// Bytes of reference and note together.
  @inlinable @inline(__always) public var textBytes: Int { referenceBytes + noteBytes }
}
