import ManaEventLoop

/// What shard 0 keeps about the others: who is ready to serve, and who is done. A plain state machine; `Shard` performs
/// what it answers.
struct Coordinator {
  private let shardCount: Int
  private var ready: Set<Int> = []
  private var quiet: Set<Int> = []
  private(set) var report = RecoveryReport()
  /// Why the server cannot serve, if it cannot.
  private(set) var failure: ServerError?
  /// Told where the server listens, once it does.
  let onReady: (ListenAddress, RecoveryReport) -> Void

  init(shardCount: Int, onReady: @escaping (ListenAddress, RecoveryReport) -> Void) {
    self.shardCount = shardCount
    self.onReady = onReady
  }

  /// Notes that a shard has recovered. True when it was the last.
  mutating func becameReady(_ shard: Int, _ recovered: RecoveryReport) -> Bool {
    ready.insert(shard)
    report.add(recovered)
    return ready.count == shardCount && failure == nil
  }

  /// Notes that no caller of a shard waits any more. True when it was the last.
  mutating func becameQuiet(_ shard: Int) -> Bool {
    quiet.insert(shard)
    return quiet.count == shardCount
  }

  /// Notes the first reason why the server has to end.
  mutating func failed(_ error: ServerError) {
    if failure == nil { failure = error }
  }
}
