import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2

/// Calls, as many at a time as asked for, and says how long it took.
struct DriveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drive", abstract: "Call over one connection, and print one JSON object.")

  @Option(help: "Where `serve` listens, on loopback.")
  var port: Int

  @Option(help: "Calls in flight.")
  var concurrent = 256

  @Option(help: "Seconds to measure.")
  var seconds = 5.0

  @Option(help: "Seconds before that.")
  var warmup = 1.0

  func run() async throws {
    let (outcome, elapsed) = try await withGRPCClient(
      transport: .http2NIOPosix(
        target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
    ) { client in
      _ = try await Self.call(client, tasks: concurrent, for: .seconds(warmup))
      let began = ContinuousClock.now
      let outcome = try await Self.call(client, tasks: concurrent, for: .seconds(seconds))
      return (outcome, ContinuousClock.now - began)
    }
    let latencies = outcome.sorted()
    guard !latencies.isEmpty else { throw ValidationError("no call was answered") }
    func percentile(_ percent: Int) -> Int { latencies[min(latencies.count - 1, latencies.count * percent / 100)] }
    let rate = Int(Double(latencies.count) / (elapsed / .seconds(1)))
    try writeLine(
      #"{"callsPerSecond":\#(rate),"calls":\#(latencies.count),"p50Microseconds":\#(percentile(50)),"#
        + #""p99Microseconds":\#(percentile(99))}"#)
  }

  /// The latencies of all calls, in microseconds, in no particular order.
  private static func call(
    _ client: GRPCClient<some ClientTransport>, tasks: Int, for duration: Duration
  ) async throws -> [Int] {
    let end = ContinuousClock.now + duration
    return try await withThrowingTaskGroup(of: [Int].self) { group in
      for _ in 0..<tasks {
        group.addTask {
          var latencies: [Int] = []
          var now = ContinuousClock.now
          while now < end {
            let began = now
            let count = try await client.unary(
              request: ClientRequest(message: Charge.request), descriptor: Charge.method, serializer: ChargeCoding(),
              deserializer: ChargeCoding(), options: .defaults
            ) { (response: ClientResponse<Charge>) in try response.message.bytes.count }
            guard count == Charge.replyBytes else { throw ValidationError("a reply of \(count) bytes") }
            now = .now
            latencies.append(Int((now - began) / .microseconds(1)))
          }
          return latencies
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }
}
