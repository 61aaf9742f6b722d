import ManaProtocol
import Testing

@Suite struct ChecksumTests {
  /// One bit after the other, as the definition has it.
  private static func reference(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var state = UInt32.max
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state & 1 == 0 ? state >> 1 : state >> 1 ^ 0x82F6_3B78 }
    }
    return ~state
  }

  /// Around the lengths at which the processor's instruction is used otherwise, at any alignment.
  @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 1_023, 1_024, 3_071, 3_072, 3_073, 3_080, 6_143, 6_144, 9_217, 20_000])
  func everyLengthAgreesWithTheDefinition(count: Int) {
    let seed = UInt64.random(in: 0...UInt64.max)
    var state = seed
    let bytes = (0..<count + 8).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    for start in [0, 1, 3, 8] {
      let expected = Self.reference(bytes[start..<start + count])
      let actual = bytes.withUnsafeBytes { crc32c(UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
      #expect(actual == expected, "seed \(seed), \(count) bytes from \(start)")
    }
  }
}
