import ArgumentParser
import ManaEventLoop
import ManaServer

/// Where callers connect.
struct NetworkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where callers connect: HOST:PORT, [IPV6]:PORT or unix:PATH. Port 0 picks a free one. (default: 127.0.0.1:7420)",
      valueName: "address"))
  var listen: String?

  @Option(
    help: ArgumentHelp(
      "Where /metrics, /healthz and /readyz are answered over HTTP, as for --listen. (default: nowhere)",
      valueName: "address"))
  var metrics: String?

  @Option(
    help: ArgumentHelp(
      """
      Most memory that connections hold together for half-sent frames and unread replies; past it those that hold the \
      most are closed. Each shard has an equal share, of 16777216 at least. (default: 536870912)
      """, valueName: "bytes"))
  var connectionMemoryBytes: String?

  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws {
    configuration.listen = try settings.value(
      "listen", flag: listen, range: "HOST:PORT, [IPV6]:PORT or unix:PATH",
      default: (configuration.listen, shown: "\(configuration.listen)"), parse: Self.address)
    configuration.metrics = try settings.value(
      "metrics", flag: metrics, range: "HOST:PORT, [IPV6]:PORT or unix:PATH", parse: Self.address)
    configuration.connectionMemoryBytes =
      try settings.number("connection-memory-bytes", flag: connectionMemoryBytes, in: 16_777_216...1 << 40)
      ?? configuration.connectionMemoryBytes
  }

  private static func address(_ text: String) -> ListenAddress? {
    do {
      return try ListenAddress(parsing: text)
    } catch {
      return nil
    }
  }
}
