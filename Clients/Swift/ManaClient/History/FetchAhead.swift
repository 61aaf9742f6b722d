/// A page that is fetched before it is asked for. When nobody can ask for it any more, its call is cancelled.
final class FetchAhead: Sendable {
  private let task: Task<HistoryPage?, Never>

  init(_ history: TransactionHistory, from cursor: HistoryCursor?) {
    task = Task {
      do throws(ManaError) { return try await history.page(from: cursor) } catch { return nil }
    }
  }

  deinit { task.cancel() }

  /// The page; nil when it could not be had. Cancelling whoever waits for it cancels its call.
  var page: HistoryPage? {
    get async {
      await withTaskCancellationHandler {
        await task.value
      } onCancel: {
        task.cancel()
      }
    }
  }
}
