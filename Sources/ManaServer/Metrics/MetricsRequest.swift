/// As much of an HTTP/1.1 request as the metrics endpoint needs: the request line, and whether OpenMetrics is accepted.
struct MetricsRequest: Equatable {
  /// What a head may have of bytes; whoever sends more is refused.
  static let headBytesMax = 8_192

  enum Reading: Equatable {
    case needsMore
    case refused(status: String)
    case complete(MetricsRequest)
  }

  let isHead: Bool
  let path: String
  let acceptsOpenMetrics: Bool

  /// Reads a head, up to its empty line. Linear, and bounded by `headBytesMax`.
  static func read(_ input: UnsafeRawBufferPointer) -> Reading {
    let text = String(decoding: input.prefix(headBytesMax), as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    guard let end = lines.firstIndex(of: ""), end < lines.count - 1 else {
      return input.count >= headBytesMax ? .refused(status: "431 Request Header Fields Too Large") : .needsMore
    }
    let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return .refused(status: "400 Bad Request") }
    guard words[0] == "GET" || words[0] == "HEAD" else { return .refused(status: "405 Method Not Allowed") }
    let accept = lines[1..<max(end, 1)].first { $0.lowercased().hasPrefix("accept:") }
    return .complete(
      MetricsRequest(
        isHead: words[0] == "HEAD", path: String(words[1].prefix { $0 != "?" }),
        acceptsOpenMetrics: accept?.lowercased().contains("application/openmetrics-text") ?? false))
  }
}
