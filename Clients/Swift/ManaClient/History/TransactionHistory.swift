/// The transactions of an account, fetched page by page while they are read.
///
/// Each iteration starts at the place that the history was asked for. ``pages`` gives the pages themselves, whose
/// ``HistoryPage/nextCursor`` can be stored to resume another day, in another process.
///
/// Who reads on does not wait for each page: while one is read, the next one is fetched, and never more than that. It
/// begins when half of the first page was read, or when its second page is asked for; an iteration that stops before
/// fetches nothing in vain. What is being fetched when an iteration is given up is cancelled.
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

  /// Starts from the cursor that the sequence was made with.
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
    private var transactions: [Transaction] = []
    private var index = 0

    fileprivate init(pages: Pages.AsyncIterator) { self.pages = pages }

    /// The next transaction, nil at the end. Throws what
    /// ``ManaClient/page(of:matching:limit:from:oldestFirst:deadline:)`` throws; calling it again then asks for the
    /// same page again.
    public mutating func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async throws(ManaError) -> Transaction? {
      while index == transactions.count {
        guard let page = try await pages.next(isolation: actor) else { return nil }
        transactions = page.transactions
        index = 0
      }
      defer { index += 1 }
      if index == transactions.count / 2 { pages.fetchAhead() }
      return transactions[index]
    }
  }

  /// The pages of a history. A page may be empty although others follow.
  public struct Pages: AsyncSequence, Sendable {
    fileprivate let history: TransactionHistory

    /// Starts from the cursor that the sequence was made with.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(history: history) }

    /// Walks through the pages.
    public struct AsyncIterator: AsyncIteratorProtocol {
      private let history: TransactionHistory
      private var cursor: HistoryCursor?
      private var isAtEnd = false
      /// Whether a page has been asked for before.
      private var readsOn = false
      private var ahead: FetchAhead?

      fileprivate init(history: TransactionHistory) {
        self.history = history
        cursor = history.cursor
      }

      /// The next page, nil after the last one. After an error, calling it again asks for the same page again.
      public mutating func next(
        isolation actor: isolated (any Actor)? = #isolation
      ) async throws(ManaError) -> HistoryPage? {
        if isAtEnd { return nil }
        let page = try await page(isolation: actor)
        cursor = page.nextCursor
        isAtEnd = page.nextCursor == nil
        if readsOn { fetchAhead() }
        readsOn = true
        return page
      }

      /// Fetches the next page while this one is read, if there is one and that has not begun.
      fileprivate mutating func fetchAhead() {
        guard !isAtEnd, ahead == nil else { return }
        ahead = FetchAhead(history, from: cursor)
      }

      private mutating func page(isolation: isolated (any Actor)?) async throws(ManaError) -> HistoryPage {
        let fetched = ahead
        ahead = nil
        if let fetched, let page = await fetched.page { return page }
        // What went wrong before anybody waited for it may be over by now.
        return try await history.page(from: cursor)
      }
    }
  }
}
