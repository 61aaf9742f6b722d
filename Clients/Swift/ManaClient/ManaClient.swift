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
public final class ManaClient: Sendable {
  /// Where the server listens.
  public let address: ManaAddress
  /// What the client was made with.
  public let configuration: Configuration

  let dispatcher: Dispatcher

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
    dispatcher = Dispatcher(
      address: address, configuration: configuration, eventLoop: eventLoopGroup.next(), logger: logger)
  }

  /// What the server said about itself on the latest connection; nil before the first one.
  public var serverInformation: ServerInformation? { dispatcher.serverInformation }

  /// How often a connection was made in the place of one that had ended, since the client was made.
  public var reconnections: Int { dispatcher.reconnections }

  /// Connects, reconnects, and returns when the task is cancelled. Call it once; a second call traps.
  ///
  /// Cancelling ends the client: calls that wait fail as not executed, calls that are on their way fail as unknown.
  public func run() async {
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
