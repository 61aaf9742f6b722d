import ArgumentParser
import Testing

@testable import mana_load

@Suite struct ArgumentTests {
  /// Arguments that are refused, and what the message must name.
  static let refused: [(arguments: [String], named: String)] = [
    (["--batch", "0"], "--batch"), (["--batch", "8191"], "--batch"), (["--connections", "0"], "--connections"),
    (["--connections", "1025"], "--connections"), (["--in-flight", "0"], "--in-flight"),
    (["--in-flight", "1025"], "--in-flight"), (["--accounts", "0"], "--accounts"),
    (["--accounts", "10000001"], "--accounts"), (["--scenario", "reads", "--page", "1001"], "--page"),
    (["--scenario", "reads", "--batch", "2"], "--batch"), (["--scenario", "single-calls", "--batch", "2"], "--batch"),
    (["--duration", "0"], "--duration"), (["--duration", "1", "--transactions", "1"], "--transactions"),
    (["--transactions", "0"], "--transactions"), (["--warmup=-1"], "--warmup"), (["--rate", "0"], "--rate"),
    (["--discard", "--verify"], "--discard"), (["--server", "nowhere"], "--server"), (["--scenario", "x"], "scenario"),
    (["--through", "smoke"], "through"), (["--tls"], "--through client"),
    (["--slow-connections", "60001"], "--slow-connections"),
    (["--slow-connections", "1", "--tls", "--through", "client"], "--slow-connections"),
    (["--tls-ca", "f"], "--through client"),
    (["--tls-key", "f", "--through", "client"], "--tls-certificate"), (["--no-such-option"], "no-such-option"),
  ]

  @Test(arguments: refused)
  func wrongUsageIsStatus64(_ arguments: [String], _ named: String) {
    do {
      _ = try LoadCommand.parse(arguments)
      Issue.record("\(arguments) were accepted")
    } catch {
      #expect(LoadCommand.exitCode(for: error).rawValue == 64)
      #expect(LoadCommand.message(for: error).contains(named))
    }
  }

  @Test func defaultsFollowTheScenario() throws {
    let cases: [(arguments: [String], batch: Int, inFlight: Int)] = [
      ([], 8_190, 4), (["--scenario", "single-calls"], 1, 512), (["--scenario", "mixed"], 1, 64),
      (["--scenario", "reads"], 1, 64), (["--batch", "100", "--in-flight", "7"], 100, 7),
    ]
    for (arguments, batch, inFlight) in cases {
      let settings = try LoadCommand.parse(arguments + ["--server", "h:1"]).options.settings()
      #expect(settings.batch == batch && settings.inFlight == inFlight, "\(arguments)")
    }
  }

  @Test(arguments: [
    ["--seed", "7", "--server", "h:1"],
    ["--seed", "7", "--server", "[::1]:9", "--scenario", "mixed", "--batch", "10", "--rate", "1000.5", "--verify"],
    ["--seed", "7", "--server", "unix:/tmp/m", "--scenario", "reads", "--page", "5", "--transactions", "9"],
    ["--seed", "7", "--server", "h:1", "--distribution", "zipf", "--duration", "2.5", "--warmup", "0"],
    ["--seed", "7", "--server", "h:1", "--through", "executor", "--tls", "--tls-ca", "a.pem"],
  ])
  func thePrintedCommandMeansTheSameSettings(_ arguments: [String]) throws {
    let settings = try LoadCommand.parse(arguments).options.settings()
    let again = settings.command.split(separator: " ").dropFirst().map(String.init)
    #expect(try LoadCommand.parse(again).options.settings() == settings)
  }

  @Test func addresses() {
    let cases: [(text: String, address: ServerAddress?)] = [
      ("127.0.0.1:7420", .tcp(host: "127.0.0.1", port: 7420)), ("ledger:1", .tcp(host: "ledger", port: 1)),
      ("[::1]:7420", .tcp(host: "::1", port: 7420)), ("unix:/run/m.sock", .unix(path: "/run/m.sock")),
      ("::1:7420", nil), ("host", nil), ("host:0", nil), ("host:65536", nil), (":1", nil), ("unix:", nil), ("", nil),
    ]
    for (text, address) in cases {
      #expect(ServerAddress(text) == address, "\(text)")
      if let address { #expect(address.description == text) }
    }
  }
}
