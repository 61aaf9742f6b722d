import CLinux
import Logging
import ManaAccess
import ManaAudit
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
    configuration.prepareDescriptors()
    configuration.logger.info(
      "starting", metadata: ["version": "\(serverVersion)", "dataDirectory": "\(configuration.dataDirectory)"])
    let tls = try openTLS(configuration)
    let access = try configuration.checkedAccess()
    let directory = try openDirectory(configuration)
    let count = directory.identity.shardCount
    let audit = try openAudit(configuration)
    // After the last thread that records something.
    defer {
      audit?.put(AuditEntry(.stop, time: configuration.clock()))
      audit?.stop()
    }
    // Otherwise each large request that is set aside takes memory from the system and gives it back. Both wait for whoever
    // holds the lock of the process's address space, and the loop with them.
    mana_keep_freed_memory(ServerLimits.mappedAllocationBytesMin, ServerLimits.freedBytesKept)
    let creditUsage = try configuration.openedCreditUsage()
    defer { close(creditUsage, configuration.logger) }
    var berths: [Berth] = []
    let share = configuration.connectionMemoryShare(shardCount: count)
    for _ in 0..<count { berths.append(try Berth(bufferBytesMax: share)) }
    let conditions = StartConditions()
    let context = ServerContext(
      configuration: configuration, identity: directory.identity, instance: conditions.newInstance(),
      shards: berths.map(\.address), conditions: conditions, tls: tls, access: access,
      audit: audit, creditUsage: creditUsage,
      callers: Callers(
        connectionsMax: configuration.connectionsPerIdentityMax, rateMax: configuration.ratePerIdentityMax))

    // Before recovery: health is asked for then, too.
    let endpoint = try startMetrics(of: context)
    defer { endpoint?.stop() }
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

  private static func startMetrics(of context: ServerContext) throws(ServerError) -> MetricsEndpoint? {
    do throws(EventLoopError) {
      guard let endpoint = try MetricsEndpoint(of: context) else { return nil }
      context.configuration.logger.info("serving metrics", metadata: ["address": "\(endpoint.address)"])
      return endpoint
    } catch {
      throw .loop(error)
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

  private static func openTLS(_ configuration: ServerConfiguration) throws(ServerError) -> TLSContext? {
    guard let files = configuration.tls else { return nil }
    do throws(TLSError) {
      return try TLSContext(files)
    } catch {
      throw .tls(error)
    }
  }

  private static func openAudit(_ configuration: ServerConfiguration) throws(ServerError) -> AuditLog? {
    guard let options = configuration.audit else { return nil }
    let logger = configuration.logger
    do throws(AuditError) {
      return try AuditLog(options) { problem in
        logger.error("the audit log is not written", metadata: ["error": "\(problem)"])
      }
    } catch {
      throw .audit(error.description)
    }
  }

  private static func close(_ creditUsage: CreditUsage, _ logger: Logger) {
    do throws(CredentialsError) {
      try creditUsage.close()
    } catch {
      logger.warning(
        "the sums of the day's credits were not written; the next start takes them for a little more",
        metadata: ["error": "\(error)"])
    }
  }

  private static func openDirectory(_ configuration: ServerConfiguration) throws(ServerError) -> DataDirectory {
    do throws(JournalError) {
      return try DataDirectory.open(
        at: configuration.dataDirectory, creatingWith: configuration.creation,
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

  /// `bufferBytesMax` is what the connections of the loop may hold before none gets more for its input.
  init(bufferBytesMax: Int) throws(ServerError) {
    var options = EventLoop.Options()
    options.bufferBytesMax = bufferBytesMax
    do throws(EventLoopError) {
      let loop = try EventLoop(options: options)
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
