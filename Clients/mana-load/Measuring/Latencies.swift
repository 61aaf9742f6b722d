import Histogram

/// The percentiles that a result names, in nanoseconds.
struct LatencySummary: Equatable, Sendable {
  var p50: UInt64
  var p90: UInt64
  var p99: UInt64
  var p999: UInt64
  var max: UInt64
}

/// Latencies of requests with three significant digits, from a nanosecond to an hour.
struct Latencies: Sendable {
  private var histogram = Histogram<UInt64>(
    highestTrackableValue: LoadLimits.latencyNanosecondsMax, numberOfSignificantValueDigits: .three)

  var count: UInt64 { histogram.totalCount }

  /// Constant time, no allocation.
  mutating func record(nanoseconds: UInt64) {
    let tracked = histogram.record(min(max(nanoseconds, 1), LoadLimits.latencyNanosecondsMax))
    assert(tracked, "a latency within the histogram's bounds")
  }

  /// Adds all that `other` holds. Linear in the number of different latencies.
  mutating func add(_ other: Latencies) {
    for value in other.histogram.recordedValues() {
      let tracked = histogram.record(value.value, count: value.count)
      assert(tracked, "both histograms have the same bounds")
    }
  }

  mutating func removeAll() { histogram.reset() }

  /// The latency that `percent` of the requests did not exceed, in nanoseconds; 0 when there are none.
  func percentile(_ percent: Double) -> UInt64 { count == 0 ? 0 : histogram.valueAtPercentile(percent) }

  var summary: LatencySummary {
    LatencySummary(
      p50: percentile(50), p90: percentile(90), p99: percentile(99), p999: percentile(99.9),
      max: count == 0 ? 0 : histogram.maxRecorded)
  }
}
