import ManaProtocol

/// A sequence of 64-bit numbers that is the same for the same seed on every machine, two multiplications a number.
///
/// Source: SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return mix64(state)
  }

  /// A number below `bound`, which is at most 2^32. The bias is below `bound` in 2^32.
  @inline(__always)
  mutating func next(below bound: Int) -> Int {
    Int(((next() >> 32) &* UInt64(bound)) >> 32)
  }
}
