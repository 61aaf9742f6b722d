import Logging
public import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol
import Synchronization

/// A Mana ledger server: one data directory, one address, a loop and a thread a shard.
public enum Server {
  /// Runs a server until it has been drained by SIGTERM or SIGINT. Blocks the calling thread, which becomes shard 0's.
  ///
  /// Recovery comes first, all shards at once; `onReady` is called, once, when callers can connect.
  /// - Throws: why it could not start, or had to end.
  public static func run(
    _ configuration: ServerConfiguration, onReady: @escaping (ListenAddress, RecoveryReport) -> Void
  ) throws(ServerError) {
    let directory = try openDirectory(configuration)
    let count = directory.identity.shardCount
    var berths: [Berth] = []
    for _ in 0..<count { berths.append(try Berth()) }
    let conditions = StartConditions()
    let context = ServerContext(
      configuration: configuration, identity: directory.identity, instance: conditions.newInstance(),
      shards: berths.map(\.address), conditions: conditions)

    var threads: [LoopThread] = []
    defer { for thread in threads { thread.join() } }
    do throws(ServerError) {
      for index in 1..<max(count, 1) {
        threads.append(try startShard(index, berth: berths[index], context: context, directory: directory))
      }
      let coordinator = Coordinator(shardCount: count, onReady: onReady)
      let shard = try Shard(
        index: 0, context: context, loop: berths[0].takeLoop(), directory: directory, coordinator: coordinator)
      try shard.watchSignals()
      shard.run()
      if let failure = shard.coordinator?.failure { throw failure }
    } catch {
      for shard in context.shards { shard.mailbox.send(.finish) }
      throw error
    }
  }

  private static func startShard(
    _ index: Int, berth: Berth, context: ServerContext, directory: DataDirectory
  ) throws(ServerError) -> LoopThread {
    do throws(EventLoopError) {
      return try LoopThread(shard: index, berth: berth, context: context, directory: directory)
    } catch {
      throw .loop(error)
    }
  }

  private static func openDirectory(_ configuration: ServerConfiguration) throws(ServerError) -> DataDirectory {
    do throws(JournalError) {
      return try DataDirectory.open(
        at: configuration.dataDirectory,
        creatingWith: CreationOptions(
          shardCount: configuration.shards,
          segmentBytes: configuration.segmentBytes ?? JournalLimits.segmentBytesDefault),
        allowUnsuitableFileSystem: configuration.allowUnsuitableFileSystem)
    } catch {
      throw .journal(error)
    }
  }
}

/// Where a shard's loop waits for its thread. The loop is made beforehand, because the other shards need its mailbox.
final class Berth: Sendable {
  let address: ShardAddress
  private let loop: Mutex<EventLoop?>

  init() throws(ServerError) {
    do throws(EventLoopError) {
      let loop = try EventLoop()
      address = ShardAddress(mailbox: Mailbox(waker: loop.waker), inlet: loop.inlet, gauges: ShardGauges())
      self.loop = Mutex(loop)
    } catch {
      throw .loop(error)
    }
  }

  /// Hands the loop to the calling thread; once.
  func takeLoop() -> EventLoop {
    guard let loop = loop.withLock({ $0.take() }) else { preconditionFailure("a shard's loop was taken twice") }
    return loop
  }
}

extension LoopThread {
  /// The thread of one of the shards behind shard 0: it recovers, reports to shard 0, and serves.
  fileprivate convenience init(
    shard index: Int, berth: Berth, context: ServerContext, directory: DataDirectory
  ) throws(EventLoopError) {
    try self.init(name: "mana-shard-\(index)") {
      do throws(ServerError) {
        let shard = try Shard(
          index: index, context: context, loop: berth.takeLoop(), directory: directory, coordinator: nil)
        shard.run()
      } catch {
        context.shards[0].mailbox.send(.failed(error))
      }
    }
  }
}
