import Testing

@testable import ManaLedger

@Suite struct TextCheckTests {
  private func isValid(_ bytes: [UInt8]) -> Bool {
    // A byte more, so that an empty array has an address.
    (bytes + [0]).withUnsafeBytes { TextCheck.isValid($0.baseAddress!, count: bytes.count) }
  }

  @Test(
    arguments: [
      ([], true), ([0x00], true), ([0x7F], true), ([0x80], false), ([0xC2, 0x80], true), ([0xC1, 0xBF], false),
      ([0xC2], false), ([0xDF, 0xBF], true), ([0xE0, 0x9F, 0xBF], false), ([0xE0, 0xA0, 0x80], true),
      ([0xED, 0x9F, 0xBF], true), ([0xED, 0xA0, 0x80], false), ([0xEF, 0xBF, 0xBF], true), ([0xEF, 0xBF], false),
      ([0xF0, 0x8F, 0xBF, 0xBF], false), ([0xF0, 0x90, 0x80, 0x80], true), ([0xF4, 0x8F, 0xBF, 0xBF], true),
      ([0xF4, 0x90, 0x80, 0x80], false), ([0xF5, 0x80, 0x80, 0x80], false), ([0xFF], false),
      (Array("1234567".utf8) + [0xC3, 0xA4], true), (Array("12345678".utf8) + [0xC3], false),
      (Array("1234567812345678".utf8), true), (Array("🎨 Mana – 40 $".utf8), true),
    ] as [([UInt8], Bool)])
  func edges(bytes: [UInt8], isValid: Bool) { #expect(self.isValid(bytes) == isValid) }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func agreesWithTheStandardLibrary(seed: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    let bytes: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF3, 0xF4,
    ]
    for _ in 0..<20_000 {
      let sample = (0..<numbers.below(14)).map { _ in bytes[Int(numbers.below(UInt64(bytes.count)))] }
      #expect(isValid(sample) == (String(validating: sample, as: UTF8.self) != nil), "seed \(seed): \(sample)")
    }
  }
}
