import ManaProtocol

/// The accounts of a run: `count` ids that follow from the seed and look random, without a table of them.
///
/// The low 64 bits are the account's index plus one, so that the index can be read off an id; the high 64 bits are a
/// bijection of seed and index.
struct AccountSet: Sendable {
  let count: Int
  private let prefix: UInt64

  init(count: Int, seed: UInt64) {
    self.count = count
    prefix = mix64(seed ^ 0xA5A5_1D0C_7B2F_0001)
  }

  /// The id of account `index`. Constant time.
  @inline(__always)
  subscript(index: Int) -> UInt128 {
    UInt128(mix64(prefix &+ UInt64(index))) << 64 | UInt128(UInt64(index) &+ 1)
  }

  /// The index of `account`; nil when the run has no such account. Constant time.
  @inline(__always)
  func index(of account: UInt128) -> Int? {
    let low = UInt64(truncatingIfNeeded: account)
    guard low >= 1, low <= UInt64(count) else { return nil }
    let index = Int(low) - 1
    return self[index] == account ? index : nil
  }
}

/// Transaction ids that look random and never repeat within a run: each half is a bijection of a counter. At no count
/// are both halves zero, because their offsets differ.
struct TransactionIDs: Sendable {
  private var low: UInt64
  private var high: UInt64

  init(seed: UInt64) {
    low = mix64(seed ^ 0x5851_F42D_4C95_7F2D)
    high = mix64(seed ^ 0x1405_7B7E_F767_814F)
    if low == high { high &+= 1 }
  }

  @inline(__always)
  mutating func next() -> UInt128 {
    low &+= 1
    high &+= 1
    return UInt128(mix64(high)) << 64 | UInt128(mix64(low))
  }
}

extension UInt128 {
  /// An account or a transaction as people write it: a number below 2^64 in decimal, anything else as a UUID.
  var identifierText: String {
    guard self > UInt128(UInt64.max) else { return String(self) }
    let digits = Array(String(self, radix: 16))
    let padded = Array(repeating: Character("0"), count: 32 - digits.count) + digits
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(padded[$0]) }
    return groups.joined(separator: "-")
  }
}
