import Foundation
import ManaClient
import ManaTestLedger
import Testing

@Suite("Ledgers for the tests of other packages") struct TestLedgerTests {
  @Test("A real server answers, and nothing of it is left")
  func servesAndCleansUp() async throws {
    let address = try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in
        try await client.bonus(42, 10)
        let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration)
        #expect(receipt.balanceAfter == Mana("8.5")!)
      }
      return ledger.address
    }
    let error = await connectError(address)
    #expect(error?.code == .notConnected)
  }

  @Test("Ledgers at the same time know nothing of each other")
  func isolated() async throws {
    try await withTestLedger { first in
      try await withTestLedger(shards: 2) { second in
        #expect(first.address != second.address)
        try await withManaClient(address: first.address) { client in _ = try await client.bonus(42, 10) }
        await withManaClient(address: second.address) { client in
          let error = await #expect(throws: ManaError.self) { try await client.account(42) }
          #expect(error?.status == .accountUnknown)
        }
      }
    }
  }

  @Test("What was acknowledged before a kill is there after a restart, at the same address")
  func restart() async throws {
    try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in _ = try await client.bonus(42, 10) }
      await ledger.kill()
      let error = await connectError(ledger.address)
      #expect(error?.code == .notConnected)
      try await ledger.restart()
      try await withManaClient(address: ledger.address) { client in
        let account = try await client.account(42)
        #expect(account.balance == 10)
      }
    }
  }

  @Test("A graceful shutdown of a client loses no call that it has taken")
  func gracefulShutdown() async throws {
    try await withTestLedger { ledger in
      let client = ManaClient(address: ledger.address)
      let running = Task { await client.run() }
      try await client.bonus(42, 1_000)
      let charged = await withTaskGroup(of: Int64.self) { group in
        for number in 0..<200 {
          group.addTask {
            if number == 100 { client.beginGracefulShutdown() }
            do throws(ManaError) {
              try await client.spend(42, 1, for: .export)
              return 1
            } catch {
              #expect(error.code == .shutDown && error.execution == .notExecuted)
              return 0
            }
          }
        }
        return await group.reduce(0, +)
      }
      await running.value
      try await withManaClient(address: ledger.address) { client in
        let account = try await client.account(42)
        #expect(account.balance == Mana(micromana: (1_000 - charged) * 1_000_000))
      }
    }
  }

  @Test("The body's error is thrown on after everything was removed")
  func bodyThrows() async throws {
    struct Mishap: Error {}
    var address: ManaAddress?
    await #expect(throws: Mishap.self) {
      try await withTestLedger { ledger in
        address = ledger.address
        throw Mishap()
      }
    }
    let error = await connectError(try #require(address))
    #expect(error?.code == .notConnected)
  }

  @Test("A server that does not start is told about in its own words")
  func didNotStart() async throws {
    let error = await #expect(throws: TestLedgerError.self) {
      try await withTestLedger(arguments: ["--no-such-option"]) { _ in Issue.record("a server was started") }
    }
    guard case .didNotStart(let log) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(log.contains("no-such-option"))
  }

  @Test("No server at all: the error says what the test target has to depend on")
  func missingProgram() async throws {
    let missing = "/nonexistent/mana-server"
    let error = await #expect(throws: TestLedgerError.self) {
      try await withTestLedger(program: missing) { _ in Issue.record("a server was started") }
    }
    #expect(error == .programNotFound(searched: [missing]))
    #expect(error?.description.contains("depend on the product") == true)
  }

  /// The error of a call that has a moment to reach the server.
  private func connectError(_ address: ManaAddress) async -> ManaError? {
    await #expect(throws: ManaError.self) {
      try await withManaClient(address: address) { client in try await client.ping(deadline: .milliseconds(200)) }
    }
  }
}
