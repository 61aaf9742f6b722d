// A record in the journal: 96 bytes, then reference and note, padded with zeros to a multiple of 32. Integers are
// little-endian, offsets in bytes.
//
//   0  64 bytes  the item as it came (see Item.swift in ManaProtocol), but
//        48 u64    the amount resolved when the item asked for all that remains; its flag `remaining` is kept
//        60 u8     a refund that a settlement posted has bit 6 set, one that a timeout posted bit 7
//  64  i64       balanceAfter
//  72  u64       timestamp          nanoseconds since 1970, strictly increasing within the shard
//  80  u48       previous           position of the account's previous transaction, 0 for none
//  86  u48       jump               position of an older transaction of the account, 0 for none; see JumpStack.swift
//  92  u32       sequence           1, 2, 3 … within the account
//  96            reference, note, zeros
//
// A position is a record's byte address in the journal divided by 32; it names the record for ever. 0 is no record.
//
// What a type means beside those of a history, 1 to 4:
//
//   5  settlement   a settlement that refunded nothing; the item as it came
//   6  tombstone    a refund with `voidIfUnknown` whose spend was not known: the item as it came, but for the type;
//                   `related` is the id that is void from then on
//
// Records of types 5 and 6 are not in the account's chain: previous, jump and sequence are 0, balanceAfter is the
// account's balance at that moment.
//
// A refund that a settlement posted has the settlement's id, reference, note and quantity, the refund's operation, and
// as amount what was not used; its other flags are zero. A refund that a timeout posted has no quantity, no reference,
// the note "timeout", and an id that follows from its spend's: see `TimeoutID`.
//
// Valid: the account's chain, its sequence numbers, balances and jumps are what applying the records in their order
// gives, timestamps increase, the padding is zero. `Ledger.replay` checks all of it.

import ManaProtocol

/// Bytes of a record, positions and type codes.
enum RecordLayout {
  /// Bytes before the text.
  static let bytes = 96
  /// Positions count units of 32 bytes.
  static let unitShift: UInt64 = 5
  static let unit = 32
  /// Positions end before this: they have 38 bits in the index, which is 8 TiB of journal.
  static let positionLimit: UInt64 = 1 << 38

  /// Bytes of a record with its text and padding.
  @inline(__always)
  static func size(textBytes: Int) -> Int { (bytes &+ textBytes &+ unit &- 1) & ~(unit &- 1) }
}

/// Codes of the lower half of a record's type byte, and the flags that only records have.
enum RecordType {
  static let spend: UInt8 = 1
  static let purchase: UInt8 = 2
  static let refund: UInt8 = 3
  static let bonus: UInt8 = 4
  static let settlement: UInt8 = 5
  static let tombstone: UInt8 = 6

  /// On a refund: a settlement posted it.
  static let bySettlement: UInt8 = 0x40
  /// On a refund: its spend's timeout posted it.
  static let byTimeout: UInt8 = 0x80
}

/// A record where it lies. Valid as long as the call of the ledger that found it.
struct RecordView {
  let base: UnsafeRawPointer

  @inline(__always) init(_ base: UnsafeRawPointer) { self.base = base }

  @inline(__always) var item: ItemView { ItemView(base) }
  /// The whole type byte: the code and all flags.
  @inline(__always) var typeByte: UInt8 { base.u8(60) }
  @inline(__always) var balanceAfter: Int64 { base.i64(64) }
  @inline(__always) var timestamp: UInt64 { base.u64(72) }
  @inline(__always) var previous: UInt64 { base.u64(80) & 0xFFFF_FFFF_FFFF }
  @inline(__always) var jump: UInt64 { base.u64(84) &>> 16 }
  @inline(__always) var sequence: UInt32 { base.u32(92) }
  @inline(__always) var text: UnsafeRawPointer { base + RecordLayout.bytes }
  @inline(__always) var size: Int { RecordLayout.size(textBytes: item.textBytes) }

  /// The type byte as replies show it: without the marks of who posted a refund.
  @inline(__always)
  var shownTypeByte: UInt8 {
    item.type == RecordType.refund ? typeByte & ~(RecordType.bySettlement | RecordType.byTimeout) : typeByte
  }

  /// The amount as the item had it: 0 when it asked for all that remains.
  @inline(__always)
  var amountAsked: UInt64 { typeByte & ItemFlags.remaining.rawValue != 0 ? 0 : item.amount }
}

extension RecordView {
  /// Writes a record's 96 bytes; its type byte is the item's.
  @inline(__always)
  static func store(
    _ item: ItemView, amount: UInt64, balance: Int64, timestamp: UInt64, link: Link,
    to record: UnsafeMutableRawPointer
  ) {
    record.copyMemory(from: item.base, byteCount: Item.bytes)
    record.store(u64: amount, 48)
    record.store(i64: balance, 64)
    record.store(u64: timestamp, 72)
    record.store(u64: link.previous | link.jump &<< 48, 80)
    record.store(u64: link.jump &>> 16 | UInt64(link.sequence) &<< 32, 88)
  }
}
