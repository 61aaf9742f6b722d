import ArgumentParser
import Glibc
import ManaClient

/// `mana-client-bench history`: how fast a long history is iterated, and in how much memory.
struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Iterates the history of an account with many transactions.",
    discussion: """
      Makes an account with so many transactions, which is not measured, and reads it with `transactions(of:)` from one \
      end to the other. The resident memory is that of this process, after a tenth of the history and at its end.
      """)

  @OptionGroup var options: ClientBenchOptions

  @Option(help: "Transactions of the account.")
  var transactions = 1_000_000

  @Option(help: "Transactions a page, up to 1000.")
  var pageSize = 1_000

  @Option(help: "How often the history is read.")
  var rounds = 3

  func validate() throws {
    guard transactions > 10, (1...1_000).contains(pageSize), rounds > 0 else {
      throw ValidationError("more than 10 transactions, pages of 1 to 1000, at least one round")
    }
  }

  func run() async throws {
    try await withManaClient(address: options.address()) { client in
      let account = freshAccount()
      try await fill(account, client)
      for round in 1...rounds {
        let start = ContinuousClock.now
        let (early, late) = try await read(account, client)
        let seconds = (ContinuousClock.now - start).inSeconds
        print(
          "round \(round): \(transactions) transactions in \(milliseconds(seconds)) ms, "
            + "\(Int(Double(transactions) / seconds)) a second; resident \(early) KiB after a tenth, \(late) KiB at the end"
        )
      }
    }
  }

  private func milliseconds(_ seconds: Double) -> Int { Int((seconds * 1_000).rounded()) }

  private func fill(_ account: AccountID, _ client: ManaClient) async throws {
    try await client.purchase(account, Mana(micromana: Int64(transactions) * 1_000_000))
    var missing = transactions - 1
    while missing > 0 {
      var batch = Batch()
      for _ in 0..<min(missing, 8_190) { try batch.spend(account, Mana("0.01")!, for: .combination, quantity: 1) }
      let results = try await client.post(batch)
      guard results.refusedCount == 0 else { throw ValidationError("the ledger refused a spend") }
      missing -= results.count
    }
  }

  /// Resident memory in KiB after a tenth and at the end.
  private func read(_ account: AccountID, _ client: ManaClient) async throws -> (early: Int, late: Int) {
    var (early, count, expected) = (0, 0, UInt32(transactions))
    for try await transaction in client.transactions(of: account, pageSize: pageSize) {
      guard transaction.sequence == expected else { throw ValidationError("sequence \(expected) is missing") }
      expected -= 1
      count += 1
      if count == transactions / 10 { early = residentKibibytes() }
    }
    guard count == transactions else { throw ValidationError("\(count) transactions instead of \(transactions)") }
    return (early, residentKibibytes())
  }

  private func residentKibibytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
    return pages * Int(getpagesize()) / 1_024
  }
}
