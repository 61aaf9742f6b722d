import ArgumentParser
import ManaClient
import Synchronization

/// `mana-client-bench cuts`: what the client says of calls whose connections are cut again and again, against the ledger.
struct CutsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cuts",
    abstract: "Charges over connections that are cut again and again, and compares each call with the ledger.",
    discussion: """
      A proxy in this process closes every connection at the same moment, at a fixed interval. At the end the histories of \
      all accounts are read over a connection of their own: a call that returned is there once; one that failed as not \
      executed is not there; one whose fate is unknown is there once or not at all; nothing else is there.
      """)

  @OptionGroup var options: ClientBenchOptions

  @Option(help: "Charges.")
  var calls = 1_000_000

  @Option(help: "Tasks that charge, each one after the other.")
  var tasks = 256

  @Option(help: ArgumentHelp("Time between cuts.", valueName: "ms"))
  var every = 200

  @Option(help: "Attempts of a call, the first one included.")
  var attempts = 5

  func validate() throws {
    guard tasks > 0, calls >= tasks, every > 0, attempts > 0 else {
      throw ValidationError("at least one task, a call each, a millisecond and one attempt")
    }
  }

  func run() async throws {
    let address = try options.address()
    let first = TransactionID(UInt128.random(in: 1...(.max >> 32)) << 32)
    let accounts = (0..<tasks).map { _ in freshAccount() }
    try await withManaClient(address: address) { witness in
      for account in accounts { try await witness.purchase(account, Mana(micromana: Int64(calls) * 1_000_000)) }
      let start = ContinuousClock.now
      let book = Book(calls: calls)
      try await charge(accounts, first: first, address, book)
      let seconds = (ContinuousClock.now - start).inSeconds
      let verdict = try await compare(book.all, accounts, first: first, witness)
      print(
        """
        \(calls) calls in \(Int(seconds * 1_000)) ms, \(Int(Double(calls) / seconds)) a second, over \(book.cuts) cut connections
        \(verdict)
        """)
      if !verdict.isClean { throw ExitCode(1) }
    }
  }

  /// What the client said of each call.
  private enum Word: UInt8, Sendable { case none, posted, replayed, notExecuted, unknown }

  /// What is known of each call, by its number.
  private final class Book: Sendable {
    private let words: Mutex<[Word]>
    private let cut = Mutex(0)

    init(calls: Int) { words = Mutex(Array(repeating: .none, count: calls)) }

    var all: [Word] { words.withLock { $0 } }

    var cuts: Int {
      get { cut.withLock { $0 } }
      set { cut.withLock { $0 = newValue } }
    }

    func note(_ word: Word, of call: Int) { words.withLock { $0[call] = word } }
  }

  /// Makes the calls through a proxy that cuts their connections, and notes what became of each.
  ///
  /// An id and no UInt128: see `Identifiers.swift` for what unoptimized builds make of one that an async function is given.
  private func charge(
    _ accounts: [AccountID], first: TransactionID, _ address: ManaAddress, _ book: Book
  ) async throws {
    try await CuttingProxy.with(server: address, cuttingEvery: .milliseconds(every)) { proxy in
      var configuration = ManaClient.Configuration()
      configuration.retry.attemptsMax = attempts
      let through = ManaAddress.hostPort(host: "127.0.0.1", port: proxy.port)
      try await withManaClient(address: through, configuration: configuration) { client in
        try await charge(accounts, first: first, client, book)
      }
      book.cuts = proxy.cuts
    }
  }

  private func charge(
    _ accounts: [AccountID], first: TransactionID, _ client: ManaClient, _ book: Book
  ) async throws {
    let (calls, tasks) = (calls, tasks)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<tasks {
        group.addTask {
          for call in stride(from: task, to: calls, by: tasks) {
            let id = TransactionID(first.number + UInt128(call))
            book.note(await Self.word(of: client, accounts[task], id), of: call)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private static func word(of client: ManaClient, _ account: AccountID, _ id: TransactionID) async -> Word {
    do throws(ManaError) {
      return try await client.spend(account, Mana("0.01")!, for: .combination, id: id).replayed ? .replayed : .posted
    } catch {
      return error.execution == .notExecuted ? .notExecuted : .unknown
    }
  }

  private struct Verdict: CustomStringConvertible {
    var counts: [Word: Int] = [:]
    /// Unknown calls that the ledger has.
    var unknownPosted = 0
    var lost = 0
    var doubled = 0
    var contradicted = 0
    var strangers = 0

    var isClean: Bool { lost + doubled + contradicted + strangers == 0 }

    var description: String {
      """
      returned \(counts[.posted, default: 0]), of an earlier attempt \(counts[.replayed, default: 0]), \
      not executed \(counts[.notExecuted, default: 0]), unknown \(counts[.unknown, default: 0]) of which \
      \(unknownPosted) are in the ledger
      lost \(lost), twice \(doubled), there although not executed \(contradicted), of nobody \(strangers): \
      \(isClean ? "each call is accounted for exactly once" : "NOT ACCOUNTED FOR")
      """
    }
  }

  private func compare(
    _ book: [Word], _ accounts: [AccountID], first: TransactionID, _ client: ManaClient
  ) async throws -> Verdict {
    var verdict = Verdict()
    var seen = [UInt8](repeating: 0, count: book.count)
    for account in accounts {
      for try await transaction in client.transactions(of: account, pageSize: 1_000) where transaction.type == .spend {
        guard transaction.id >= first, transaction.id.number - first.number < UInt128(book.count) else {
          verdict.strangers += 1
          continue
        }
        seen[Int(transaction.id.number - first.number)] &+= 1
      }
    }
    for (word, times) in zip(book, seen) {
      verdict.counts[word, default: 0] += 1
      if times > 1 { verdict.doubled += 1 }
      switch word {
      case .posted, .replayed: if times == 0 { verdict.lost += 1 }
      case .notExecuted: if times > 0 { verdict.contradicted += 1 }
      case .unknown: if times > 0 { verdict.unknownPosted += 1 }
      case .none: verdict.lost += 1
      }
    }
    return verdict
  }
}
