import Foundation
import ManaClient
import ManaProtocol
import Synchronization
import Testing

private struct Broken: Error, Equatable {}

/// `withSettlement` whose connection is cut at each byte, or whose process dies: a customer pays for what was done, and
/// for nothing else, whatever is lost on the way.
@Suite struct SettlementCutTests {
  /// Bytes that pass over a connection with a charge and its settlement, and over it before the charge.
  private struct Lengths {
    var greeting: Int
    var ofClient: Int
    var welcome: Int
    var ofServer: Int

    /// A cut at each byte from the charge on, in both directions.
    var cuts: [CuttingProxy.Cut] {
      (greeting...ofClient).map { .afterRequest(bytes: $0) } + (welcome...ofServer).map { .afterReply(bytes: $0) }
    }
  }

  /// What came of one operation whose connection was cut.
  private struct Outcome {
    var error: (any Error)?
    /// How often the body ran.
    var runs: Int
    var passed: CuttingProxy.Passed
  }

  /// Charges an account of 1,000 Mana ten for an operation that uses four of them, or fails.
  private static func settle(
    _ account: AccountID, server: Int, _ cut: CuttingProxy.Cut, retries: Bool, fails: Bool
  ) async throws -> Outcome {
    try await CuttingProxy.with(server: server, cut) { proxy in
      let address = try #require(ManaAddress("127.0.0.1:\(proxy.port)"))
      let configuration = ClientCutTests.configuration(retries: retries)
      return await withManaClient(address: address, configuration: configuration) { client in
        let runs = Mutex(0)
        var failure: (any Error)?
        do {
          try await client.withSettlement(account, 10, for: .imageGeneration) { charge in
            runs.withLock { $0 += 1 }
            if fails { throw Broken() }
            charge.used = 4
          }
        } catch {
          failure = error
        }
        return Outcome(error: failure, runs: runs.withLock { $0 }, passed: proxy.passed)
      }
    }
  }

  private static func lengths(_ server: Int) async throws -> Lengths {
    let passed = try await settle(1, server: server, .never, retries: false, fails: false).passed
    let preface = FrameHeader.preface.count
    func first(_ bytes: [UInt8]) throws -> Int {
      try bytes.withUnsafeBytes { preface + (try FrameHeader(reading: $0.baseAddress! + preface)).length }
    }
    return Lengths(
      greeting: try first(passed.ofClient), ofClient: passed.ofClient.count, welcome: try first(passed.ofServer),
      ofServer: passed.ofServer.count)
  }

  /// Runs `body` with the port of a server, and a client that is not cut.
  private static func withLedger(_ body: (_ server: Int, ManaClient) async throws -> Void) async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    try await withManaClient(address: try #require(ManaAddress(server.address))) { client in
      try await client.purchase(1, 1_000)
      try await body(Int(server.port), client)
    }
    #expect(server.isRunning)
  }

  @Test(arguments: [false, true], [false, true])
  func theCustomerPaysForWhatWasDone(retries: Bool, fails: Bool) async throws {
    try await Self.withLedger { server, client in
      let cuts = try await Self.lengths(server).cuts
      // The charge and its settlement are 128 bytes each, their replies 88.
      #expect(cuts.count > 400)
      let counts = Mutex((charged: 0, void: 0))
      try await ClientCutTests.each(cuts) { id, cut in
        let account = AccountID(id.number)
        try await client.purchase(account, 1_000)
        let outcome = try await Self.settle(account, server: server, cut, retries: retries, fails: fails)
        let after = try await client.account(account)
        #expect(after.unsettledCount == 0, "\(cut)")
        #expect(outcome.runs <= 1, "\(cut)")
        if outcome.runs == 1 {
          #expect(after.balance == (fails ? 1_000 : 996), "\(cut)")
          #expect(fails ? outcome.error as? Broken == Broken() : outcome.error == nil, "\(cut)")
          counts.withLock { $0.charged += 1 }
        } else {
          // The charge got no answer: it was made void, so that it is not posted when it is under way still.
          let error = outcome.error as? ManaError
          #expect(after.balance == 1_000, "\(cut)")
          #expect(error?.code == .connectionLost && error?.execution == .notExecuted, "\(cut)")
          #expect(error?.message.contains("made void") == true, "\(cut)")
          counts.withLock { $0.void += 1 }
        }
      }
      let (charged, void) = counts.withLock { $0 }
      #expect(charged > 100 && (retries ? void == 0 : void > 100), "\(charged) charged, \(void) made void")
    }
  }

  /// A client that is gone can tell the server nothing: the server refunds by itself.
  @Test func theServerRefundsWhenTheClientHasShutDown() async throws {
    try await Self.withLedger { server, witness in
      let client = ManaClient(address: .hostPort(host: "127.0.0.1", port: server))
      let running = Task { await client.run() }
      let error = await #expect(throws: ManaError.self) {
        try await client.withSettlement(1, 10, for: .imageGeneration, settleWithin: .seconds(1)) { _ in
          let during = try await witness.account(1)
          #expect(during.balance == 990 && during.unsettledCount == 1)
          running.cancel()
          await running.value
        }
      }
      #expect(error?.code == .shutDown && error?.execution == .notExecuted)
      try await Self.refunded(1, witness)
    }
  }

  /// A process that is killed while its operation runs, with the Python client: it is one file to start.
  @Test func theServerRefundsWhenTheProcessIsKilled() async throws {
    try await Self.withLedger { server, witness in
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      let program = """
        import datetime, time
        from mana_ledger import ManaClient
        with ManaClient("127.0.0.1", \(server)) as client:
            with client.settlement(1, 10, "image_generation", settle_within=datetime.timedelta(seconds=1)):
                print("charged", flush=True)
                time.sleep(3600)
        """
      process.arguments = ["python3", "-c", program]
      process.environment = [
        "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": Programs.root.appending(path: "Clients/Python").path(),
      ]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "charged\n")
      let during = try await witness.account(1)
      #expect(during.balance == 990 && during.unsettledCount == 1)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      try await Self.refunded(1, witness)
    }
  }

  private static func refunded(_ account: AccountID, _ client: ManaClient) async throws {
    let start = ContinuousClock.now
    while try await client.account(account).unsettledCount > 0, .now - start < .seconds(30) {
      try await Task.sleep(for: .milliseconds(20))
    }
    let after = try await client.account(account)
    #expect(after.balance == 1_000 && after.unsettledCount == 0)
    let last = try await client.page(of: account, limit: 1).transactions.first
    #expect(last?.type == .refund && last?.note == "timeout")
  }
}
