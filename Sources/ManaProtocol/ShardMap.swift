/// Which shard an account belongs to. Fixed when a ledger is created; told to clients in `welcome`.
public struct ShardMap: Equatable, Sendable {
  public let shardCount: Int
  public let seed: UInt64

  @inlinable
  public init(shardCount: Int, seed: UInt64) {
    precondition(shardCount > 0 && shardCount <= 256, "1 to 256 shards")
    self.shardCount = shardCount
    self.seed = seed
  }

  /// The shard of `account`, below `shardCount`. Constant time. Source: `Protocol/PROTOCOL.md` section 4.
  @inlinable @inline(__always)
  public func shard(of account: UInt128) -> Int {
    let low = UInt64(truncatingIfNeeded: account) ^ seed
    let high = UInt64(truncatingIfNeeded: account >> 64) &+ 0x9E37_79B9_7F4A_7C15
    let hash = mix64(low ^ mix64(high))
    return Int(((hash >> 32) &* UInt64(shardCount)) >> 32)
  }
}

/// A bijection of 64-bit numbers in which each input bit changes about half of the output bits. Source: the finalizer
/// of SplitMix64 (Steele, Lea, Flood 2014).
@inlinable @inline(__always)
public func mix64(_ value: UInt64) -> UInt64 {
  var value = value
  value ^= value >> 30
  value = value &* 0xBF58_476D_1CE4_E5B9
  value ^= value >> 27
  value = value &* 0x94D0_49BB_1331_11EB
  value ^= value >> 31
  return value
}
