import ManaClient
import Testing

private struct Broken: Error, Equatable {}

/// `withSettlement` of the client library against the real server.
@Suite struct ClientSettlementTests {
  /// Runs `body` with an account that has 1,000 Mana.
  private static func withAccount(_ body: (ManaClient) async throws -> Void) async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    try await withManaClient(address: try #require(ManaAddress(server.address))) { client in
      try await client.purchase(21, 1_000)
      try await body(client)
    }
  }

  @Test(arguments: [(10, 990), (4, 996), (0, 1_000)] as [(Mana, Mana)])
  func whatWasUsedIsCharged(used: Mana, balance: Mana) async throws {
    try await Self.withAccount { client in
      let during = try await client.withSettlement(21, 10, for: .imageGeneration) { charge in
        #expect(charge.receipt.balanceAfter == 990 && charge.used == 10)
        charge.used = used
        return try await client.account(21)
      }
      #expect(during.balance == 990 && during.unsettledCount == 1)
      let after = try await client.account(21)
      #expect(after.balance == balance && after.unsettledCount == 0)
    }
  }

  @Test func aBodyThatThrowsIsRefunded() async throws {
    try await Self.withAccount { client in
      await #expect(throws: Broken.self) {
        try await client.withSettlement(21, 10, for: .imageGeneration) { _ in throw Broken() }
      }
      let after = try await client.account(21)
      #expect(after.balance == 1_000 && after.unsettledCount == 0 && after.transactionCount == 3)
    }
  }

  @Test func aCancelledTaskIsRefunded() async throws {
    try await Self.withAccount { client in
      let (starts, start) = AsyncStream<Void>.makeStream()
      let task = Task {
        try await client.withSettlement(21, 10, for: .imageGeneration) { _ in
          start.yield()
          try await Task.sleep(for: .seconds(3_600))
        }
      }
      for await _ in starts { break }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      let after = try await client.account(21)
      #expect(after.balance == 1_000 && after.unsettledCount == 0 && after.transactionCount == 3)
    }
  }

  @Test func workThatIsDoneIsChargedAlthoughTheTaskWasCancelled() async throws {
    try await Self.withAccount { client in
      let task = Task {
        try await client.withSettlement(21, 10, for: .imageGeneration) { _ in
          withUnsafeCurrentTask { $0?.cancel() }
          return 7
        }
      }
      #expect(try await task.value == 7)
      let after = try await client.account(21)
      #expect(after.balance == 990 && after.unsettledCount == 0)
    }
  }

  @Test func aChargeThatIsRefusedDoesNotRunTheBody() async throws {
    try await Self.withAccount { client in
      let error = await #expect(throws: ManaError.self) {
        try await client.withSettlement(21, 1_001, for: .imageGeneration) { _ in Issue.record("the body ran") }
      }
      #expect(error?.status == .insufficientBalance)
      let after = try await client.account(21)
      #expect(after.transactionCount == 1)
    }
  }

  @Test func aBodyThatTakesTooLongLearnsThatItWasRefunded() async throws {
    try await Self.withAccount { client in
      let error = await #expect(throws: ManaError.self) {
        try await client.withSettlement(21, 10, for: .imageGeneration, settleWithin: .seconds(1)) { _ in
          while try await client.account(21).unsettledCount > 0 { try await Task.sleep(for: .milliseconds(20)) }
        }
      }
      #expect(error?.status == .settlementTimedOut)
      let after = try await client.account(21)
      #expect(after.balance == 1_000)
    }
  }
}
