// An account in memory, 256 bytes in four cache lines. A spend touches the first three, a credit all
// four. Offsets in bytes:
//
//   0  u128  id                        64  7 × u64  stacked positions, see JumpStack.swift
//  16  i64   balance                  120  u32  ranks, see JumpStack.swift
//  24  u64   lastPosition             124  u32  overflow: 1 + index of the block with further positions, or 0
//  32  u64   firstTimestamp
//  40  u64   lastTimestamp            128  5 × u64  sums of operations 1 to 5, the spends
//  48  u64   unsettledTotal           168  5 × u32  counts of operations 1 to 5
//  56  u32   sequence                 188  u8   stackedRootCount, 189  u8  hasTwins, see JumpStack.swift
//  60  u32   unsettledCount
//                                     192  3 × u64  sums of operations 6 to 8
//                                     216  3 × u32  counts of operations 6 to 8
//                                     228  u32  newestUnsettled: 1 + index of its entry in the spend table, or 0
//                                     232  u64  lastAsidePosition: of the newest record beside the history, or 0
//                                     240  16 bytes unused
//
// What was ever spent is the sum over operations 1 to 5; purchases, refunds and bonuses have an operation each.

import CIntrinsics
import ManaProtocol

/// An account where it lies. Accounts never move.
struct Account {
  static let bytes = 256

  let base: UnsafeMutableRawPointer

  @inline(__always) init(_ base: UnsafeMutableRawPointer) { self.base = base }

  @inline(__always) private func u32(_ offset: Int) -> UInt32 { base.load(fromByteOffset: offset, as: UInt32.self) }
  @inline(__always) private func u64(_ offset: Int) -> UInt64 { base.load(fromByteOffset: offset, as: UInt64.self) }
  @inline(__always) private func set(_ offset: Int, _ value: UInt32) {
    base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }
  @inline(__always) private func set(_ offset: Int, _ value: UInt64) {
    base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }

  @inline(__always) var idLow: UInt64 { u64(0) }
  @inline(__always) var idHigh: UInt64 { u64(8) }

  var id: UInt128 {
    @inline(__always) get { UInt128(idHigh) &<< 64 | UInt128(idLow) }
    nonmutating set {
      set(0, UInt64(truncatingIfNeeded: newValue))
      set(8, UInt64(truncatingIfNeeded: newValue >> 64))
    }
  }

  @inline(__always) func hasID(_ id: UInt128) -> Bool {
    hasID(low: UInt64(truncatingIfNeeded: id), high: UInt64(truncatingIfNeeded: id &>> 64))
  }

  @inline(__always) func hasID(low: UInt64, high: UInt64) -> Bool { (idLow ^ low) | (idHigh ^ high) == 0 }

  /// In micromana; never negative.
  var balance: Int64 {
    @inline(__always) get { Int64(bitPattern: u64(16)) }
    @inline(__always) nonmutating set { set(16, UInt64(bitPattern: newValue)) }
  }

  var lastPosition: UInt64 {
    @inline(__always) get { u64(24) }
    @inline(__always) nonmutating set { set(24, newValue) }
  }

  var firstTimestamp: UInt64 {
    get { u64(32) }
    nonmutating set { set(32, newValue) }
  }

  var lastTimestamp: UInt64 {
    @inline(__always) get { u64(40) }
    @inline(__always) nonmutating set { set(40, newValue) }
  }

  var unsettledTotal: UInt64 {
    get { u64(48) }
    nonmutating set { set(48, newValue) }
  }

  var sequence: UInt32 {
    @inline(__always) get { u32(56) }
    @inline(__always) nonmutating set { set(56, newValue) }
  }

  var unsettledCount: UInt32 {
    get { u32(60) }
    nonmutating set { set(60, newValue) }
  }

  var ranks: UInt32 {
    @inline(__always) get { u32(120) }
    @inline(__always) nonmutating set { set(120, newValue) }
  }

  var stackedRootCount: UInt8 {
    @inline(__always) get { base.load(fromByteOffset: 188, as: UInt8.self) }
    @inline(__always) nonmutating set { base.storeBytes(of: newValue, toByteOffset: 188, as: UInt8.self) }
  }

  var hasTwins: Bool {
    @inline(__always) get { base.load(fromByteOffset: 189, as: UInt8.self) != 0 }
    @inline(__always) nonmutating set { base.storeBytes(of: newValue ? 1 : 0, toByteOffset: 189, as: UInt8.self) }
  }

  var overflow: UInt32 {
    @inline(__always) get { u32(124) }
    nonmutating set { set(124, newValue) }
  }

  var newestUnsettled: UInt32 {
    get { u32(228) }
    nonmutating set { set(228, newValue) }
  }

  var lastAsidePosition: UInt64 {
    get { u64(232) }
    nonmutating set { set(232, newValue) }
  }

  // MARK: Totals by operation

  @inline(__always)
  private static func sumOffset(_ operation: UInt8) -> Int {
    operation <= 5 ? 120 &+ 8 &* Int(operation) : 144 &+ 8 &* Int(operation)
  }

  @inline(__always)
  private static func countOffset(_ operation: UInt8) -> Int {
    operation <= 5 ? 164 &+ 4 &* Int(operation) : 192 &+ 4 &* Int(operation)
  }

  /// Sum of the amounts of an operation, 1 to 8.
  @inline(__always) func sum(_ operation: UInt8) -> UInt64 { u64(Self.sumOffset(operation)) }
  @inline(__always) func count(_ operation: UInt8) -> UInt32 { u32(Self.countOffset(operation)) }

  @inline(__always) func add(_ amount: UInt64, to operation: UInt8) {
    set(Self.sumOffset(operation), sum(operation) &+ amount)
    set(Self.countOffset(operation), count(operation) &+ 1)
  }

  /// Whether everything ever spent would no longer fit in 64 bits with `amount` more.
  @inline(__always) func spentOverflows(adding amount: UInt64) -> Bool {
    // Below 2^61 each, five sums and one amount below 2^63 fit; that is all but absurd accounts.
    if (u64(128) | u64(136) | u64(144) | u64(152) | u64(160) | amount) &>> 61 == 0 { return false }
    let total = (1...5).reduce(UInt128(amount)) { $0 + UInt128(sum($1)) }
    return total > UInt128(UInt64.max)
  }

  /// Loads what executing an item of this operation touches.
  @inline(__always) func prefetch(operation: UInt8) {
    mana_prefetch_for_write(base)
    mana_prefetch_for_write(base + 64)
    mana_prefetch_for_write(base + 128)
    if operation > 5 { mana_prefetch_for_write(base + 192) }
  }
}
