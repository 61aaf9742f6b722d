import ManaText
import Testing

@testable import mana_bench

@Suite struct QuantityTests {
  static let texts: [(unit: Unit, value: Double, text: String)] = [
    (.perSecond, 7_812_345, "7.81 million/s"), (.perSecond, 999_500, "1.00 million/s"),
    (.perSecond, 999_499, "999,000/s"), (.perSecond, 366_123, "366,000/s"), (.perSecond, 87, "87.0/s"),
    (.perSecond, 12_345_678, "12.3 million/s"), (.pagesPerSecond, 50_000, "50,000 pages/s"),
    (.microseconds, 91.6, "91.6 µs"), (.microseconds, 280, "280 µs"), (.microseconds, 8_104, "8.10 ms"),
    (.microseconds, 10_000, "10.0 ms"), (.microseconds, 2_000_000, "2.00 s"), (.bytes, 126_000_000, "126 MB"),
    (.bytes, 1_320_000_000, "1,320 MB"), (.bytesEach, 97.54, "97.5 bytes"), (.times, 0.5, "0.50 times"),
    (.bytesPerSecond, 512_300_000, "512 MB/s"), (.percent, 70, "70.0 %"), (.percent, 0, "0.00 %"),
  ]

  @Test(arguments: texts.indices)
  func readsAs(_ index: Int) {
    let (unit, value, text) = Self.texts[index]
    #expect(unit.text(value) == text)
  }

  @Test func roundsAndGroups() {
    #expect(NumberText.fixed(-0.004, places: 2) == "0.00")
    #expect(NumberText.fixed(-1.25, places: 1) == "-1.3")
    #expect(NumberText.grouped(-1_234_567) == "-1,234,567")
    #expect(NumberText.grouped(999) == "999")
    #expect(Quantity.digits(9.994) == "9.99" && Quantity.digits(9.996) == "10.0")
    #expect(Quantity.digits(99.96) == "100" && Quantity.digits(999.6) == "1,000")
  }

  static let percentiles: [(values: [Double], percent: Double, value: Double)] = [
    ([], 50, 0), ([7], 99, 7), ([3, 1, 2], 50, 2), ([4, 1, 3, 2], 50, 2), (Array((1...100).map(Double.init)), 99, 99),
    (Array((1...100).map(Double.init)), 100, 100), ([1, 2], 0, 1),
  ]

  @Test(arguments: percentiles.indices)
  func percentile(_ index: Int) {
    let (values, percent, value) = Self.percentiles[index]
    #expect(Quantity.percentile(percent, of: values) == value)
  }

  /// A thread that sleeps wakes late, and only what other work does not explain is remarked.
  @Test func lateness() {
    let watch = LatenessWatch()
    System.sleep(nanoseconds: 50_000_000)
    let seen = watch.stop()
    #expect(seen.longest > 0 && watch.stop() == seen)
    var lateness = LatenessWatch.Lateness()
    #expect(lateness.text == nil)
    for late in [3_000_000, 104_000_000, 12_000_000] as [UInt64] { lateness.add(late) }
    #expect(lateness.longest == 104_000_000 && lateness.total == 116_000_000)
    #expect(lateness.text?.contains("up to 104 ms late, 116 ms in all") == true)
  }

  @Test func theMedianIsTheLowerOfTwo() {
    #expect(Quantity.median([]) == 0)
    #expect(Quantity.median([5]) == 5)
    #expect(Quantity.median([9, 1, 5]) == 5)
    #expect(Quantity.median([9, 1]) == 1)
  }
}
