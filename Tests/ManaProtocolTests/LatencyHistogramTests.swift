import ManaProtocol
import Testing

/// Percentiles out of powers of two.
@Suite struct LatencyHistogramTests {
  @Test(arguments: [
    ([:], 0.5, UInt64(0)),
    ([3: 1], 0.5, 8),
    ([3: 50, 10: 50], 0.5, 8),
    ([3: 50, 10: 51], 0.5, 1024),
    ([3: 99, 10: 1], 0.99, 8),
    ([3: 98, 10: 2], 0.99, 1024),
    ([3: 999, 35: 1], 1, 1 << 35),
    ([0: 1], 0, 1),
    // More than all of them: no time is longer than the last bucket's.
    ([3: 1], 2, 1 << 35),
  ])
  func aPercentileIsTheBoundOfItsBucket(counts: [Int: UInt64], fraction: Double, bound: UInt64) {
    var histogram = LatencyHistogram()
    for (bucket, count) in counts { histogram.buckets[bucket] = count }
    #expect(histogram.bound(fraction) == bound)
  }
}
