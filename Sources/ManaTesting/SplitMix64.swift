import ManaProtocol

/// A generator of random numbers that is a function of its seed alone, so that a failure can be run again.
///
/// Source: SplitMix64 (Steele, Lea, Flood 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return mix64(state)
  }
}

extension SplitMix64 {
  /// True `part` times in `whole`.
  public mutating func chance(_ part: Int, in whole: Int) -> Bool { Int.random(in: 0..<whole, using: &self) < part }

  /// A number below `count` that is small more often than not: the lowest tenth comes up almost half of the time, as
  /// with customers some of whom do most of the work.
  public mutating func skewed(below count: Int) -> Int {
    let uniform = Double.random(in: 0..<1, using: &self)
    return min(count - 1, Int(Double(count) * uniform * uniform * uniform))
  }

  /// Any 128-bit number but zero.
  public mutating func identifier() -> UInt128 { UInt128(next()) << 64 | UInt128(next() | 1) }
}
