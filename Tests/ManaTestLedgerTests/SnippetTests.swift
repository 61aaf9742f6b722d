import Logging
import ManaClient
import ManaTestLedger
import ServiceLifecycle
import Testing
import UnixSignals

// The code of the documentation, compiled and run against a real ledger. `DocumentationTests` holds each block of the
// articles against this file, so that what a reader copies is what runs here.

@Suite("The documentation's code") struct SnippetTests {
  /// Runs `body` against a ledger whose account 42 has a thousand Mana.
  private func withAccount(_ body: (ManaClient) async throws -> Void) async throws {
    try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in
        try await client.bonus(42, 1_000)
        try await body(client)
      }
    }
  }

  private func balance(_ client: ManaClient) async throws -> Mana { try await client.account(42).balance }

  @Test("The landing page")
  func landingPage() async throws {
    try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in
        try await client.purchase(42, 1_000, reference: "pi_3N", note: "$40 Creator Pack")
        let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration)
        print(receipt.balanceAfter)  // 998.5

        for try await transaction in client.transactions(of: 42) {
          print(transaction.operation.name, transaction.change, transaction.balanceAfter)
        }
        #expect(receipt.balanceAfter == Mana("998.5")!)
      }
    }
  }

  @Test("Getting started")
  func gettingStarted() async throws {
    try await withTestLedger { ledger in
      let address = ledger.address
      try await withManaClient(address: address) { client in
        try await client.bonus(42, 10, note: "new account")
        let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration)
        print(receipt.balanceAfter)
        #expect(receipt.balanceAfter == Mana("8.5")!)
      }
    }
    try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in
        try await client.bonus(42, 10)
        let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration)
        #expect(receipt.balanceAfter == Mana("8.5")!)
      }
    }
  }

  /// A service that makes one call and ends.
  private struct Shop: Service {
    var client: ManaClient
    func run() async throws { try await client.bonus(42, 10) }
  }

  @Test("A client in a service group")
  func service() async throws {
    func shop(_ client: ManaClient) -> Shop { Shop(client: client) }
    try await withTestLedger { ledger in
      let address = ledger.address
      let running = Task {
        let client = ManaClient(address: address)
        let group = ServiceGroup(
          configuration: .init(
            services: [
              .init(service: client),
              .init(service: shop(client), successTerminationBehavior: .gracefullyShutdownGroup),
            ],
            gracefulShutdownSignals: [.sigterm], logger: Logger(label: "shop")))
        try await group.run()
      }
      try await running.value
      let charged = try await withManaClient(address: address) { client in try await balance(client) }
      #expect(charged == 10)
    }
  }

  @Test("Idempotency")
  func idempotency() async throws {
    try await withAccount { client in
      let order = TransactionID.random()  // kept with the order, before the first attempt
      do throws(ManaError) {
        try await client.spend(42, 2, for: .variation, id: order)
      } catch  where error.execution == .unknown {
        let receipt = try await client.spend(42, 2, for: .variation, id: order)
        print(receipt.replayed ? "it had been charged" : "it is charged now")
      }
      #expect(try await client.spend(42, 2, for: .variation, id: order).replayed)

      do throws(ManaError) {
        let transaction = try await client.transaction(id: order, of: 42)
        print("charged", transaction.change)
      } catch  where error.status == .transactionUnknown {
        print("not charged")
      }
      #expect(try await balance(client) == 998)

      try await client.refund(42, of: order, voidIfUnknown: true)
      #expect(try await balance(client) == 1_000)
    }
  }

  @Test("Settlement")
  func settlement() async throws {
    func generate() async throws -> String { "image" }
    try await withAccount { client in
      let image = try await client.withSettlement(42, 10, for: .imageGeneration) { charge in
        let image = try await generate()
        charge.used = 8  // what is not used is refunded
        return image
      }
      #expect(image == "image")
      #expect(try await balance(client) == 992)
    }
    try await withAccount { client in
      let spend = try await client.spend(42, 10, for: .export, settleWithin: .seconds(300))
      try await client.settle(42, spend.id, as: .succeededUsing(6))
      #expect(try await balance(client) == 994)

      for try await spend in client.unsettled(of: 42) {
        print(spend.id, spend.change)
      }
    }
  }

  @Test("Batching")
  func batching() async throws {
    try await withAccount { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for job in 0..<100 {
          group.addTask { try await client.spend(42, 1, for: .variation, reference: "job \(job)") }
        }
        try await group.waitForAll()
      }
      #expect(try await balance(client) == 900)
      try await withTaskExecutorPreference(client.executor) {
        for step in 0..<10 {
          try await client.spend(42, 1, for: .variation, reference: "step \(step)")
        }
      }
      #expect(try await balance(client) == 890)
    }
    try await withAccount { client in
      let jobIDs = (0..<1_000).map { _ in TransactionID.random() }
      var batch = Batch()
      for job in 0..<1_000 {
        try batch.spend(42, 1, for: .combination, id: jobIDs[job], reference: "job \(job)")
      }
      let results = try await client.post(batch)
      for case .failure(let refusal) in results { print(refusal) }
      #expect(results.postedCount == 1_000)
      #expect(try await client.post(batch).replayedCount == 1_000)
    }
    try await withAccount { client in
      var order = Batch()
      try order.spend(42, 3, for: .imageGeneration)
      try order.spend(42, 2, for: .export)
      let results = try await client.post(order, atomic: true)
      print(results.refusedCount == 0 ? "both" : "neither")
      #expect(try await balance(client) == 995)
    }
  }

  @Test("Errors")
  func errors() async throws {
    try await withAccount { (client) async throws -> Void in
      do throws(ManaError) {
        try await client.spend(42, 1_000, for: .imageGeneration)
      } catch {
        switch error.code {
        case .refused where error.status == .insufficientBalance:
          print("buy more Mana", error.refusal?.balance ?? .zero)
        case _ where error.isRetryable:
          print("later, with the same id", error.retryAfter ?? .zero)
        default:
          print(error)
        }
      }
      let rest = try await balance(client)
      #expect(rest == 0)
    }
  }
}
