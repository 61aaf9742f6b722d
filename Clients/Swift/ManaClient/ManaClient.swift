internal import CoreMetrics
public import Logging
public import NIOCore
public import NIOPosix

/// A client of a Mana ledger.
///
/// One client serves a whole process: its calls share a few connections. ``run()`` keeps those connections and must
/// run for as long as calls are made; ``withManaClient(address:configuration:eventLoopGroup:logger:isolation:_:)`` does
/// that for the length of a closure.
///
/// ```swift
/// try await withManaClient(address: ManaAddress("127.0.0.1:7420")!) { client in
///   try await client.purchase(42, 1_000, note: "$40 Creator Pack")
///   let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration)
///   print(receipt.balanceAfter)  // 998.5
/// }
/// ```
///
/// Every call has a deadline, can be cancelled without harm to others, and throws a ``ManaError`` that says whether it
/// was executed.
///
/// ## Logging
///
/// The logger is told at `warning` that a connection was lost or could not be made, at `info` that it was made again and
/// that the client shuts down, and at `debug` of each further attempt and of first connections.
///
/// ## Metrics
///
/// | label | kind | dimensions | measures |
/// |---|---|---|---|
/// | `mana.client.call.duration` | timer | `call` (such as `spend`, `post`, `getAccount`), `outcome` (`ok`, `refused`, `failed`) | from the call to its answer; how many calls there were is its count |
/// | `mana.client.request.transactions` | recorder | | transactions of each request of a ``Batch`` |
/// | `mana.client.connections` | gauge | | connections that are ready |
/// | `mana.client.reconnections` | counter | | connections made in the place of one that had ended |
/// | `mana.client.retries` | counter | `call` | attempts after the first one, see ``Configuration/Retry`` |
///
/// ## Tracing
///
/// With a tracer of swift-distributed-tracing, which is set up before the client is made, each call has a span of kind
/// `client` such as `mana.Ledger/spend`, all its attempts included; a ``Batch`` has one for each of its requests. Its
/// attributes are those of OpenTelemetry's conventions for RPC: `rpc.system` (`mana`), `rpc.service`, `rpc.method`,
/// `server.address`, `server.port`, `rpc.response.status_code` (a ``Status`` by its name), and `error.type` of a call that
/// failed or was refused. Each further attempt is an event `retry`. No account, transaction or amount is in it.
///
/// The request carries the trace on where the tracer propagates W3C Trace Context (`traceparent`), and the server's audit
/// log names it. A request that concurrent calls share carries that of the first of them.
public final class ManaClient: Sendable {
  /// Where the server listens.
  public let address: ManaAddress
  /// What the client was made with.
  public let configuration: Configuration

  let dispatcher: Dispatcher
  let retryBudget: RetryBudget
  let metrics: ClientMetrics
  let tracing: CallTracing?

  /// A client that does nothing until ``run()`` is called.
  ///
  /// - Parameters:
  ///   - address: where the server listens.
  ///   - configuration: how to connect and how long to wait. Traps when a value cannot be meant.
  ///   - eventLoopGroup: the threads for I/O, of which the client uses one; it must outlive the client.
  ///   - logger: told of connections made and lost; nil for silence. No transaction is ever logged.
  public init(
    address: ManaAddress, configuration: Configuration = .init(),
    eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup, logger: Logger? = nil
  ) {
    configuration.check()
    self.address = address
    self.configuration = configuration
    retryBudget = RetryBudget(configuration.retry)
    metrics = ClientMetrics(factory: configuration.metricsFactory ?? MetricsSystem.factory)
    tracing = CallTracing(configuration, to: address)
    dispatcher = Dispatcher(
      address: address, configuration: configuration, eventLoop: eventLoopGroup.next(), logger: logger,
      metrics: metrics)
  }

  /// The thread that does the client's input and output, for tasks to which microseconds matter.
  ///
  /// A call from elsewhere wakes that thread, and its reply wakes the caller's. A task that prefers this executor is there
  /// already:
  ///
  /// ```swift
  /// try await withTaskExecutorPreference(client.executor) {
  ///   for step in 0..<10 { try await client.spend(42, 1, for: .variation, reference: "step \(step)") }
  /// }
  /// ```
  ///
  /// What runs there holds up every call of the client, and whatever else its event loop does: it may neither block nor
  /// compute for long. It ends with the event loop, which must outlive such tasks.
  public var executor: any TaskExecutor { dispatcher.executor }

  /// What the server said about itself on the latest connection; nil before the first one.
  public var serverInformation: ServerInformation? { dispatcher.serverInformation }

  /// How often a connection was made in the place of one that had ended, since the client was made.
  public var reconnections: Int { dispatcher.reconnections }

  /// Connects, reconnects, and returns when the task is cancelled or a graceful shutdown is through. Call it once; a
  /// second call traps.
  ///
  /// A graceful shutdown, of the service group that runs the client or by ``beginGracefulShutdown()``, lets the calls end
  /// that have been made, and refuses further ones with ``ManaError/Code/shutDown``. Cancelling ends the client: calls that
  /// wait fail as not executed, calls that are on their way fail as unknown.
  public func run() async {
    await drainingOnGracefulShutdown { await keepConnections() }
  }

  /// Begins a graceful shutdown: calls that have been made end as ever, within their deadlines; further ones fail with
  /// ``ManaError/Code/shutDown``; then ``run()`` returns.
  public func beginGracefulShutdown() { dispatcher.post(.drain) }

  private func keepConnections() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { dispatcher.post(.start($0)) }
    } onCancel: {
      dispatcher.post(.stop(nil))
    }
  }
}

/// Runs a client for as long as `body` runs, and gives `body`'s result.
///
/// - Parameters:
///   - address: where the server listens.
///   - configuration: how to connect and how long to wait.
///   - eventLoopGroup: the threads for I/O.
///   - logger: told of connections made and lost.
///   - isolation: the actor that `body` runs on.
///   - body: makes calls; its error is thrown on.
public func withManaClient<Value, Failure: Error>(
  address: ManaAddress, configuration: ManaClient.Configuration = .init(),
  eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup, logger: Logger? = nil,
  isolation: isolated (any Actor)? = #isolation,
  _ body: (ManaClient) async throws(Failure) -> Value
) async throws(Failure) -> Value {
  let client = ManaClient(
    address: address, configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger)
  // The client is started from here and not from a task of its own, so that it runs before `body` makes its first call.
  client.dispatcher.post(.start(nil))
  let result: Result<Value, Failure>
  do throws(Failure) {
    result = .success(try await body(client))
  } catch {
    result = .failure(error)
  }
  await withCheckedContinuation { client.dispatcher.post(.stop($0)) }
  return try result.get()
}
