import ManaProtocol

/// Both halves of a 128-bit product, folded. Source: the mixing step of wyhash (Wang Yi, 2019).
@inline(__always)
func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
  let product = left.multipliedFullWidth(by: right)
  return product.high ^ product.low
}

/// Hashes for the tables, keyed: who does not know the seed cannot choose ids that collide. The tables' layout
/// follows from the seed, nothing that anyone sees does.
struct TableHash {
  private let keys: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
  /// Of a transaction's hash, the bits that are not made zero.
  private let transactionBits: UInt64

  init(seed: UInt64, transactionBits: UInt64 = .max) {
    self.transactionBits = transactionBits
    func key(_ index: UInt64) -> UInt64 { mix64(seed &+ index &* 0x9E37_79B9_7F4A_7C15) }
    keys = (key(1), key(2), key(3), key(4) | 1, key(5), key(6), key(7) | 1)
  }

  @inline(__always)
  func account(low: UInt64, high: UInt64) -> UInt64 { fold(fold(low ^ keys.0, high ^ keys.1) ^ keys.2, keys.3) }

  @inline(__always)
  func account(_ id: UInt128) -> UInt64 {
    account(low: UInt64(truncatingIfNeeded: id), high: UInt64(truncatingIfNeeded: id &>> 64))
  }

  /// Of a transaction's id within the account that has `accountHash`.
  @inline(__always)
  func transaction(accountHash: UInt64, low: UInt64, high: UInt64) -> UInt64 {
    fold(fold(low ^ keys.4, high ^ keys.5) ^ accountHash, keys.6) & transactionBits
  }

  @inline(__always)
  func transaction(accountHash: UInt64, _ id: UInt128) -> UInt64 {
    transaction(
      accountHash: accountHash, low: UInt64(truncatingIfNeeded: id), high: UInt64(truncatingIfNeeded: id &>> 64))
  }

  @inline(__always)
  func position(_ position: UInt64) -> UInt64 { fold(position ^ keys.0, keys.3) }
}

/// An account's share of the state digest. It is stored in journal blocks, so it is a format: it depends on no seed and
/// must never change.
///
/// With `fold(a, b)` = the upper xor the lower half of a × b:
/// `fold(fold(low64(id) ^ K1, high64(id) ^ K2) ^ fold(balance ^ K3, sequence + K4), K5)`, additions modulo 2^64; the
/// constants are 64 bits each of the fraction of π. K3's top bit is set and no balance is negative, so that no factor
/// is zero.
enum StateDigest {
  @inline(__always)
  static func account(low: UInt64, high: UInt64) -> UInt64 {
    fold(low ^ 0x243F_6A88_85A3_08D3, high ^ 0x1319_8A2E_0370_7344)
  }

  @inline(__always)
  static func share(account: UInt64, balance: Int64, sequence: UInt32) -> UInt64 {
    fold(
      account ^ fold(UInt64(bitPattern: balance) ^ 0xA409_3822_299F_31D0, UInt64(sequence) &+ 0x082E_FA98_EC4E_6C89),
      0x4528_21E6_38D0_1377)
  }
}
