import Foundation
import ManaClient
import Testing

@Suite("Identifiers") struct IdentifierTests {
  @Test(
    "An identifier is a UUID or an unsigned integer",
    arguments: [
      ("42", UInt128(42), "42"),
      ("00000000-0000-0000-0000-00000000002a", 42, "42"),
      ("00000000-0000-0000-0000-00000000002A", 42, "42"),
      ("18446744073709551615", UInt128(UInt64.max), "18446744073709551615"),
      ("18446744073709551616", UInt128(UInt64.max) + 1, "00000000-0000-0001-0000-000000000000"),
      (
        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", 0xf81d_4fae_7dec_11d0_a765_00a0_c91e_6bf6,
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
      ),
      ("340282366920938463463374607431768211455", .max, "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ])
  func parsed(text: String, number: UInt128, printed: String) throws {
    #expect(AccountID(text) == AccountID(number))
    #expect(TransactionID(text)?.description == printed)
    let encoded = try JSONEncoder().encode([AccountID(number)])
    #expect(try JSONDecoder().decode([AccountID].self, from: encoded) == [AccountID(number)])
  }

  @Test(
    "What is no identifier is refused",
    arguments: [
      "", "0", "-1", "+1", "1.0", "0x2a", " 42", "340282366920938463463374607431768211456",
      "00000000-0000-0000-0000-000000000000", "f81d4fae7dec11d0a76500a0c91e6bf6",
      "f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d4fae-7dec-11d0-a76-500a0c91e6bf6",
      "{81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf６",
    ])
  func refused(text: String) { #expect(AccountID(text) == nil) }

  @Test("Foundation's UUIDs fit")
  func foundation() {
    let uuid = UUID()
    #expect(TransactionID(uuid: uuid.uuid) == TransactionID(uuid.uuidString))
  }

  @Test("A random identifier is a UUID of version 4, and another one each time")
  func random() {
    var generator = SeededGenerator.fresh()
    var seen: Set<TransactionID> = []
    for _ in 0..<1_000 {
      let id = TransactionID.random(using: &generator)
      let text = Array(id.description)
      #expect(text.count == 36 && text[14] == "4" && "89ab".contains(text[19]), "\(id), seed \(generator.seed)")
      #expect(seen.insert(id).inserted, "seed \(generator.seed)")
    }
    #expect(TransactionID.random() != TransactionID.random())
  }
}
