/// The transactions of an account, fetched page by page while they are read.
///
/// Each iteration starts at the place that the history was asked for. ``pages`` gives the pages themselves, whose
/// ``HistoryPage/nextCursor`` can be stored to resume another day, in another process.
public struct TransactionHistory: AsyncSequence, Sendable {
  enum Source: Sendable {
    case history(HistoryFilter, oldestFirst: Bool)
    case unsettled
  }

  let client: ManaClient
  let account: AccountID
  let source: Source
  let cursor: HistoryCursor?
  let pageSize: Int
  let deadline: Duration?

  /// The same history as whole pages.
  public var pages: Pages { Pages(history: self) }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pages: pages.makeAsyncIterator()) }

  func page(from cursor: HistoryCursor?) async throws(ManaError) -> HistoryPage {
    switch source {
    case .history(let filter, let oldestFirst):
      try await client.page(
        of: account, matching: filter, limit: pageSize, from: cursor, oldestFirst: oldestFirst, deadline: deadline)
    case .unsettled:
      try await client.unsettledPage(of: account, limit: pageSize, from: cursor, deadline: deadline)
    }
  }

  /// Walks through the transactions.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private var pages: Pages.AsyncIterator
    private var transactions: ArraySlice<Transaction> = []

    fileprivate init(pages: Pages.AsyncIterator) { self.pages = pages }

    /// The next transaction, nil at the end. Throws what
    /// ``ManaClient/page(of:matching:limit:from:oldestFirst:deadline:)`` throws; calling it again then asks for the
    /// same page again.
    public mutating func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async throws(ManaError) -> Transaction? {
      while transactions.isEmpty {
        guard let page = try await pages.next(isolation: actor) else { return nil }
        transactions = page.transactions[...]
      }
      return transactions.removeFirst()
    }
  }

  /// The pages of a history. A page may be empty although others follow.
  public struct Pages: AsyncSequence, Sendable {
    fileprivate let history: TransactionHistory

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(history: history) }

    /// Walks through the pages.
    public struct AsyncIterator: AsyncIteratorProtocol {
      private let history: TransactionHistory
      private var cursor: HistoryCursor?
      private var isAtEnd = false

      fileprivate init(history: TransactionHistory) {
        self.history = history
        cursor = history.cursor
      }

      /// The next page, nil after the last one. After an error, calling it again asks for the same page again.
      public mutating func next(
        isolation actor: isolated (any Actor)? = #isolation
      ) async throws(ManaError) -> HistoryPage? {
        if isAtEnd { return nil }
        let page = try await history.page(from: cursor)
        cursor = page.nextCursor
        isAtEnd = page.nextCursor == nil
        return page
      }
    }
  }
}
