import ManaClient
import Testing

/// Concurrent single calls of the client library against the real server.
@Suite struct ClientBatchingTests {
  @Test func everyCallGetsItsOwnTransaction() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let (tasks, callsEach) = (64, 20)
    let accounts: [AccountID] = [11, 12, 13, 14]
    try await withManaClient(address: try #require(ManaAddress(server.address))) { client in
      for account in accounts { try await client.purchase(account, 1_000_000) }
      let receipts = try await withThrowingTaskGroup(of: [(AccountID, Receipt)].self) { group in
        for task in 0..<tasks {
          group.addTask {
            var receipts: [(AccountID, Receipt)] = []
            for call in 0..<callsEach {
              let account = accounts[(task + call) % accounts.count]
              let amount = Mana(micromana: Int64(task * callsEach + call + 1))
              let receipt = try await client.spend(account, amount, for: .export, coalescing: call % 5 != 0)
              #expect(receipt.amount == amount && !receipt.replayed)
              receipts.append((account, receipt))
            }
            return receipts
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(receipts.count == tasks * callsEach)
      for account in accounts {
        let own = receipts.filter { $0.0 == account }.map(\.1)
        // The purchase is the account's first transaction, and each spend one of those after it.
        #expect(own.map(\.sequence).sorted() == (1...own.count).map { UInt32($0 + 1) })
        let spent = own.reduce(0) { $0 + $1.amount.micromana }
        let overview = try await client.account(account)
        #expect(overview.balance.micromana == 1_000_000_000_000 - spent && overview.transactionCount == own.count + 1)
        for receipt in own.prefix(10) {
          let transaction = try await client.transaction(id: receipt.id, of: account)
          #expect(transaction.sequence == receipt.sequence)
        }
      }
    }
  }
}
