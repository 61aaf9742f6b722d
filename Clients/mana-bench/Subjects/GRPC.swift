import FoundationEssentials

/// grpc-swift-2, unary calls with nothing behind them. The program is in `Clients/Comparison/grpc`, a package of its own.
final class GRPC {
  static let concurrent = 256

  private let workbench: Workbench
  private let program: String
  private let server: ChildProcess
  private let port: String

  /// Nil when the program has not been built; `make compare` builds it.
  static func start(_ workbench: Workbench, program: String?) throws(BenchError) -> GRPC? {
    guard let program, System.isExecutable(program) else { return nil }
    return try GRPC(workbench, program)
  }

  private init(_ workbench: Workbench, _ program: String) throws(BenchError) {
    self.workbench = workbench
    self.program = program
    let server = try workbench.start("grpc-unary", at: program, ["serve"])
    try server.wait(for: "it was ready", atMostSeconds: BenchLimits.readySeconds) { server.output.hasSuffix("\n") }
    port = server.output.split { $0 == " " || $0 == "\n" }.last.map(String.init) ?? ""
    self.server = server
  }

  func stop() { server.kill() }

  func call(seconds: Double, whileWaiting: () -> Void) throws(BenchError) -> PeerFigures {
    let text = try workbench.run(
      "grpc-unary", at: program,
      ["drive", "--port", port, "--concurrent", "\(Self.concurrent)", "--seconds", "\(seconds)"],
      atMostSeconds: seconds + BenchLimits.runSlackSeconds, whileWaiting: whileWaiting)
    return try Self.parse(text)
  }

  static func parse(_ json: String) throws(BenchError) -> PeerFigures {
    struct Printed: Decodable {
      var callsPerSecond: Double
      var p50Microseconds: Double
      var p99Microseconds: Double
    }
    do {
      let printed = try JSONDecoder().decode(Printed.self, from: Data(json.utf8))
      return PeerFigures(
        perSecond: printed.callsPerSecond, p50: printed.p50Microseconds, p99: printed.p99Microseconds)
    } catch {
      throw .failed(what: "grpc-unary printed no figures (\(error))", output: String(json.prefix(400)))
    }
  }
}
