import Testing

@testable import ManaServer

/// What is counted, and the bounds of the HTTP request that asks for it.
@Suite struct MetricsTests {
  @Test(arguments: [
    (UInt64(0), 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1 << 20, 20), (1 << 20 + 1, 21), (.max, 35),
  ])
  func aValueFallsIntoTheSmallestPowerOfTwoThatHoldsIt(value: UInt64, bucket: Int) {
    let histogram = Histogram()
    histogram.observe(value)
    for other in 0..<Histogram.bucketCount { #expect(histogram[other] == (other == bucket ? 1 : 0)) }
    #expect(histogram.total == value)
  }

  @Test func aCodeBeyondTheTableIsCountedInItsLastPlace() {
    let table = CounterTable<4>()
    table.add(1)
    table.add(9)
    #expect(table[1] == 1)
    #expect(table[3] == 1)
  }

  static func reading(_ text: String) -> MetricsRequest.Reading {
    Array(text.utf8).withUnsafeBytes { MetricsRequest.read($0) }
  }

  @Test(arguments: [
    ("", MetricsRequest.Reading.needsMore),
    ("GET /metrics HTTP/1.1\r\n", .needsMore),
    ("GET /metrics HTTP/1.1\r\nHost: a\r\n", .needsMore),
    (
      "GET /metrics HTTP/1.1\r\n\r\n",
      .complete(MetricsRequest(isHead: false, path: "/metrics", acceptsOpenMetrics: false))
    ),
    (
      "HEAD /readyz?x=1 HTTP/1.0\r\nACCEPT: application/openmetrics-text;version=1.0.0\r\n\r\n",
      .complete(MetricsRequest(isHead: true, path: "/readyz", acceptsOpenMetrics: true))
    ),
    ("POST /metrics HTTP/1.1\r\n\r\n", .refused(status: "405 Method Not Allowed")),
    ("GET /metrics\r\n\r\n", .refused(status: "400 Bad Request")),
    ("GET  /metrics HTTP/1.1\r\n\r\n", .refused(status: "400 Bad Request")),
    ("\r\n\r\n", .refused(status: "400 Bad Request")),
    ("\u{16}\u{3}\u{1}\r\n\r\n", .refused(status: "400 Bad Request")),
    (String(repeating: "a", count: 8_192), .refused(status: "431 Request Header Fields Too Large")),
  ])
  func aHeadIsReadToItsEmptyLineOrRefused(text: String, expected: MetricsRequest.Reading) {
    #expect(Self.reading(text) == expected)
  }
}
