import ManaClient
import Testing

@Suite("Amounts of Mana") struct ManaTests {
  @Test(
    "An amount is parsed exactly and printed with one to six places",
    arguments: [
      ("1.5", 1_500_000, "1.5"),
      ("+500", 500_000_000, "500.0"),
      ("-10.0", -10_000_000, "-10.0"),
      ("997.0", 997_000_000, "997.0"),
      ("0", 0, "0.0"),
      ("-0", 0, "0.0"),
      ("-0.5", -500_000, "-0.5"),
      ("0.1", 100_000, "0.1"),
      ("0.10", 100_000, "0.1"),
      ("0.000001", 1, "0.000001"),
      ("-0.000001", -1, "-0.000001"),
      ("1.234567", 1_234_567, "1.234567"),
      ("007", 7_000_000, "7.0"),
      ("1000000", 1_000_000_000_000, "1000000.0"),
      ("9223372036854.775807", Int64.max, "9223372036854.775807"),
      ("-9223372036854.775808", Int64.min, "-9223372036854.775808"),
    ])
  func parsed(text: String, micromana: Int64, printed: String) {
    #expect(Mana(text)?.micromana == micromana)
    #expect(Mana(micromana: micromana).description == printed)
  }

  @Test(
    "What is no amount is refused",
    arguments: [
      "", "+", "-", ".", "1.", ".5", "+.5", "1.2345678", "0.0000001", "1,5", "1 000", " 1", "1 ", "1e3", "0x10", "--1",
      "+-1", "1.5.5", "1.-5", "١", "½", "NaN", "inf", "9223372036854.775808", "-9223372036854.775809",
      "99999999999999999999", "9223372036855",
    ])
  func refused(text: String) { #expect(Mana(text) == nil) }

  @Test("The sign is shown on request", arguments: [("2", "+2.0"), ("-1.5", "-1.5"), ("0", "0.0")])
  func signed(text: String, shown: String) { #expect(Mana(text)?.signedDescription == shown) }

  @Test("Every amount survives its text")
  func roundTrip() {
    var generator = SeededGenerator.fresh()
    for _ in 0..<10_000 {
      let bits = Int64(bitPattern: generator.next()) >> Int64.random(in: 0..<64, using: &generator)
      let amount = Mana(micromana: bits)
      #expect(Mana(amount.description) == amount, "\(amount), seed \(generator.seed)")
    }
  }

  @Test("Overflow is reported, never wrapped in silence")
  func overflow() {
    #expect(Mana.max.addingReportingOverflow(Mana(micromana: 1)).overflow)
    #expect(Mana.min.subtractingReportingOverflow(Mana(micromana: 1)).overflow)
    #expect(Mana.max.multipliedReportingOverflow(by: 2).overflow)
    #expect(Mana(micromana: 1).addingReportingOverflow(2) == (Mana(micromana: 2_000_001), false))
    #expect(Mana(exactlyMicromana: UInt64(Int64.max) + 1) == nil)
  }

  @Test("Amounts are computed with like numbers")
  func arithmetic() {
    #expect(Mana("1.5")! + 10 == Mana("11.5")!)
    #expect(10 - Mana("1.5")! == Mana("8.5")!)
    #expect(Mana("1.5")! * 1_000 == 1_500)
    #expect(-Mana("1.5")! < .zero)
  }
}
