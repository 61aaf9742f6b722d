import ArgumentParser
import CAllocationCount
import ManaClient

/// `mana-client-bench allocations`: how many blocks of memory a call allocates.
struct AllocationsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allocations",
    abstract: "Counts the blocks of memory that a call allocates, on whatever thread.",
    discussion: """
      Counted are malloc, calloc, realloc and the aligned ones, in this whole process, between the first and the last of \
      many calls: those of the client, of SwiftNIO and of Swift's concurrency, and of the tasks that make the calls.
      """)

  @OptionGroup var options: ClientBenchOptions

  @Option(help: "Calls of each kind.")
  var calls = 100_000

  func validate() throws {
    guard calls >= 8_192 else { throw ValidationError("at least 8192 calls") }
    guard mana_can_count_allocations() else { throw ValidationError("allocations are counted with glibc only") }
  }

  func run() async throws {
    try await withManaClient(address: options.address()) { client in
      let account = freshAccount()
      try await client.purchase(account, Mana(micromana: Int64(calls) * 10_000_000))
      for tasks in [1, 256] {
        // The first calls fill caches.
        try await spend(account, client, tasks: tasks, calls: 4_096)
        let blocks = try await counting { try await spend(account, client, tasks: tasks, calls: calls) }
        report("spend(), \(tasks == 1 ? "one task" : "\(tasks) tasks")", blocks, per: calls)
      }
      let batch = try batch(account)
      _ = try await client.post(batch)
      let blocks = try await counting { for _ in 0..<10 { _ = try await client.post(batch) } }
      report("post(), a batch of \(batch.count), posted again", blocks, per: 10)
      _ = try await client.page(of: account, limit: 1_000)
      let pages = try await counting { for _ in 0..<10 { _ = try await client.page(of: account, limit: 1_000) } }
      report("page(of:), a thousand transactions", pages, per: 10)
    }
  }

  private func batch(_ account: AccountID) throws -> Batch {
    var batch = Batch()
    for _ in 0..<8_190 { try batch.spend(account, Mana("0.01")!, for: .combination, quantity: 1) }
    return batch
  }

  private func spend(_ account: AccountID, _ client: ManaClient, tasks: Int, calls: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<tasks {
        group.addTask {
          for _ in stride(from: task, to: calls, by: tasks) {
            try await client.spend(account, Mana("0.01")!, for: .combination)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func counting(_ body: () async throws -> Void) async rethrows -> UInt64 {
    mana_count_allocations(true)
    defer { mana_count_allocations(false) }
    try await body()
    return mana_allocation_count()
  }

  private func report(_ name: String, _ blocks: UInt64, per calls: Int) {
    let tenths = Int((Double(blocks) / Double(calls) * 10).rounded())
    print("\(name): \(tenths / 10).\(tenths % 10) blocks a call")
  }
}
