import ManaEventLoop

/// The connections of the metrics endpoint, on its own thread.
final class MetricsHandler: EventLoopDelegate {
  /// Scrapers are few; who comes beyond this is turned away.
  static let connectionsMax = 32
  /// How long a connection may take from its beginning to its end, in seconds.
  static let secondsMax: UInt64 = 10

  private struct Guest {
    let connection: Connection
    let acceptedAt: UInt64
    var isAnswered = false
  }

  private let loop: EventLoop
  private let context: ServerContext
  private let isStopping: Readiness
  private var guests: [UInt64: Guest] = [:]

  init(loop: EventLoop, context: ServerContext, isStopping: Readiness) {
    self.loop = loop
    self.context = context
    self.isStopping = isStopping
  }

  func accepted(_ connection: Connection) {
    guests[connection.id] = Guest(connection: connection, acceptedAt: loop.nowNanoseconds)
    if guests.count > Self.connectionsMax { connection.close(afterFlushing: false) }
  }

  func received(_ connection: Connection) {
    guard let guest = guests[connection.id] else { return }
    // What follows the first request is not read: the reply says that the connection ends.
    defer { if guests[connection.id]?.isAnswered == true { connection.consume(connection.input.count) } }
    guard !guest.isAnswered else { return }
    switch MetricsRequest.read(connection.input) {
    case .needsMore: return
    case .refused(let status): answer(connection, status: status, body: status + "\n", isHead: false)
    case .complete(let request): answer(connection, request)
    }
    guests[connection.id]?.isAnswered = true
    connection.close(afterFlushing: true)
  }

  func closed(_ connection: Connection, _ reason: CloseReason) { guests[connection.id] = nil }
  func drained(_ connection: Connection) {}

  func turn() {
    if isStopping.isReady { loop.stop() }
  }

  /// Ends whoever dribbles a request, or does not read the reply.
  func endLateConnections() {
    let limit = loop.nowNanoseconds &- Self.secondsMax * 1_000_000_000
    for guest in guests.values where guest.acceptedAt < limit { guest.connection.close(afterFlushing: false) }
  }

  private func answer(_ connection: Connection, _ request: MetricsRequest) {
    switch request.path {
    case "/metrics":
      let format = request.acceptsOpenMetrics ? MetricsText.Format.openMetrics : .prometheus
      answer(
        connection, status: "200 OK", type: format.contentType, body: context.metricsText(format),
        isHead: request.isHead)
    case "/healthz":
      answer(connection, status: "200 OK", body: "alive\n", isHead: request.isHead)
    case "/readyz":
      let isReady = context.readiness.isReady
      answer(
        connection, status: isReady ? "200 OK" : "503 Service Unavailable",
        body: isReady ? "ready\n" : "recovering or draining\n", isHead: request.isHead)
    default:
      answer(
        connection, status: "404 Not Found", body: "there are /metrics, /healthz and /readyz\n",
        isHead: request.isHead)
    }
  }

  private func answer(
    _ connection: Connection, status: String, type: String = "text/plain; charset=utf-8", body: String, isHead: Bool
  ) {
    let text = """
      HTTP/1.1 \(status)\r
      Content-Type: \(type)\r
      Content-Length: \(body.utf8.count)\r
      Cache-Control: no-store\r
      Connection: close\r
      \r

      """ + (isHead ? "" : body)
    let bytes = Array(text.utf8)
    bytes.withUnsafeBytes { connection.commitOutput(copying: $0) }
  }
}
