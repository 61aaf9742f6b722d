import ManaClient
import ManaProtocol
import MetricsTestKit
import Synchronization
import Testing

/// A ledger with a history of `total` transactions, that answers for each page when it is let.
private final class Archive: Sendable {
  private struct State {
    var starts: [UInt64] = []
    var failures: [Int]
  }

  let total: UInt64
  private let state: Mutex<State>
  private let arrival: AsyncStream<Void>.Continuation
  /// Ticks at each request for a page.
  let arrivals: AsyncStream<Void>

  /// - Parameter failures: which requests, counted from 0, are refused.
  init(total: UInt64, failures: [Int] = []) {
    self.total = total
    state = Mutex(State(failures: failures))
    (arrivals, arrival) = AsyncStream.makeStream()
  }

  /// Where each page that was asked for starts; 0 for the newest.
  var starts: [UInt64] { state.withLock { $0.starts } }

  @Sendable func answer(_ request: Request) -> [Step] {
    guard request.opcode == .listTransactions else { return [request.empty] }
    let (start, limit) = request.body.withUnsafeBytes { ($0.baseAddress!.u64(16), UInt64($0.baseAddress!.u32(24))) }
    let isRefused = state.withLock { state in
      state.starts.append(start)
      return state.failures.contains(state.starts.count - 1)
    }
    arrival.yield()
    if isRefused {
      return [.send(Frames.refusal(of: request.opcode, request.correlation, .roleMissing, flags: .notExecuted))]
    }
    let newest = start == 0 ? total : start
    let count = min(limit, newest)
    return [.send(Frames.reply(to: request.opcode, request.correlation, body: page(newest: newest, count: Int(count))))]
  }

  private func page(newest: UInt64, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: HistoryReplyPrelude.bytes + count * TransactionView.bytes)
    let next = newest - UInt64(count)
    bytes.withUnsafeMutableBytes { buffer in
      let base = buffer.baseAddress!
      HistoryReplyPrelude(
        count: count, more: next > 0, total: total, next: next, balance: 0, textBytes: 0, examined: UInt64(count)
      ).store(to: base)
      for index in 0..<count {
        let record = base + HistoryReplyPrelude.bytes + index * TransactionView.bytes
        let sequence = newest - UInt64(index)
        Item(id: UInt128(sequence), account: 42, amount: 1, type: .spend, operation: .export).store(to: record)
        record.store(u64: sequence, 72)
        record.store(u32: UInt32(sequence), 92)
      }
    }
    return bytes
  }

  /// Runs `body` with a client of this ledger that does not repeat calls.
  func serve(
    _ change: (inout ManaClient.Configuration) -> Void = { _ in }, _ body: (ManaClient) async throws -> Void
  ) async throws {
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    change(&configuration)
    try await ScriptedServer.with { _ in
      Ledger(self.answer)
    } _: { server in
      try await withManaClient(address: server.address, configuration: configuration, body)
    }
  }

  /// Waits until as many pages have been asked for.
  func asked(_ count: Int) async {
    for await _ in arrivals where starts.count >= count { break }
  }
}

@Suite("A history's next page is fetched while one is read") struct HistoryAheadTests {
  @Test("Everything comes once and in order, in as many requests as there are pages", arguments: [1, 2, 7, 10, 1_000])
  func order(pageSize: Int) async throws {
    let archive = Archive(total: 100)
    try await archive.serve { client in
      var sequences: [UInt32] = []
      for try await transaction in client.transactions(of: 42, pageSize: pageSize) {
        sequences.append(transaction.sequence)
      }
      #expect(sequences == (1...100).reversed())
    }
    #expect(
      archive.starts.count == (100 + pageSize - 1) / pageSize && Set(archive.starts).count == archive.starts.count)
  }

  @Test("Who reads less than half of the first page, or one page, asks for no other")
  func firstPage() async throws {
    let archive = Archive(total: 100)
    try await archive.serve { client in
      var read = 0
      for try await _ in client.transactions(of: 42, pageSize: 10) {
        read += 1
        if read == 5 { break }
      }
      for try await page in client.transactions(of: 42, pageSize: 10).pages {
        #expect(page.transactions.count == 10)
        break
      }
      // What had been asked for before this would have arrived before it.
      try await client.ping()
    }
    #expect(archive.starts == [0, 0])
  }

  @Test("Half of the first page read, the second is fetched; never more than one ahead", arguments: [false, true])
  func ahead(byPages: Bool) async throws {
    let archive = Archive(total: 100)
    try await archive.serve { client in
      let history = client.transactions(of: 42, pageSize: 10)
      var (transactions, pages) = (history.makeAsyncIterator(), history.pages.makeAsyncIterator())
      if byPages {
        for _ in 0..<2 { _ = try await pages.next() }
        await archive.asked(3)
      } else {
        for _ in 0..<6 { _ = try await transactions.next() }
        await archive.asked(2)
      }
      for _ in 0..<3 { try await client.ping() }
      #expect(archive.starts == (byPages ? [0, 90, 80] : [0, 90]))
      // What was fetched is what comes next.
      let next = byPages ? try await pages.next()?.transactions.first : nil
      #expect(!byPages || next?.sequence == 80)
    }
  }

  @Test("A page that could not be fetched ahead is asked for again when it is wanted", arguments: [[1], [1, 2]])
  func failures(refused: [Int]) async throws {
    let archive = Archive(total: 30, failures: refused)
    try await archive.serve { client in
      var sequences: [UInt32] = []
      var transactions = client.transactions(of: 42, pageSize: 10).makeAsyncIterator()
      var errors = 0
      while true {
        do throws(ManaError) {
          guard let transaction = try await transactions.next() else { break }
          sequences.append(transaction.sequence)
        } catch {
          #expect(error.status == .roleMissing)
          errors += 1
        }
      }
      #expect(sequences == (1...30).reversed() && errors == refused.count - 1)
    }
    #expect(archive.starts == [0] + refused.map { _ in 20 } + [20, 10])
  }

  @Test("What is fetched ahead is cancelled when the iteration is given up")
  func cancelled() async throws {
    let metrics = TestMetrics()
    let requests = Counter()
    let archive = Archive(total: 100)
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.metricsFactory = metrics
    try await ScriptedServer.with { _ in
      Ledger { request in
        let steps = archive.answer(request)
        return request.opcode == .listTransactions && requests.next() > 0 ? [] : steps
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: configuration) { client in
        try await give(up: client, archive)
        let failed = try metrics.expectTimer(
          "mana.client.call.duration", [("call", "listTransactions"), ("outcome", "failed")])
        let clock = ContinuousClock.now
        while failed.values.isEmpty, .now - clock < .seconds(5) { try await Task.sleep(for: .milliseconds(1)) }
        #expect(failed.values.count == 1)
      }
    }
  }

  /// Reads until the second page is being fetched, which is never answered, and drops the iterator.
  private func give(up client: ManaClient, _ archive: Archive) async throws {
    var transactions = client.transactions(of: 42, pageSize: 10).makeAsyncIterator()
    for _ in 0..<6 { _ = try await transactions.next() }
    await archive.asked(2)
  }

  @Test("Cancelling who waits for a page that is being fetched ends the wait")
  func cancelledWait() async throws {
    let requests = Counter()
    let archive = Archive(total: 100)
    try await ScriptedServer.with { _ in
      Ledger { request in
        let steps = archive.answer(request)
        return request.opcode == .listTransactions && requests.next() > 0 ? [] : steps
      }
    } _: { server in
      await withManaClient(address: server.address) { client in
        let reading = Task {
          for try await _ in client.transactions(of: 42, pageSize: 10, deadline: .seconds(600)) {}
        }
        await archive.asked(2)
        reading.cancel()
        let error = await #expect(throws: ManaError.self) { try await reading.value }
        #expect(error?.code == .cancelled)
      }
    }
  }
}
