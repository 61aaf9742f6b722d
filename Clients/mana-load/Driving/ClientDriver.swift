import ManaClient
import ManaProtocol
import Synchronization

/// Sends requests through the `ManaClient` library: a task for each request in flight, each waiting for its call.
///
/// A source encodes its requests in the protocol's layout and reads replies in it. Here the items of a request become
/// calls of the library, and its results are written back in that layout, so that one accounting serves both carriers;
/// that costs some nanoseconds a transaction. A request of one transaction becomes a single call, one of several a
/// batch.
final class ClientDriver: LoadDriver {
  private let address: ManaAddress
  private let configuration: ManaClient.Configuration
  /// Requests in flight on all connections together.
  private let inFlight: Int
  /// Whether the tasks run on the client's executor.
  private let isOnExecutor: Bool
  /// Connections that were cut and that the library made anew, in all runs.
  private(set) var reconnections = 0

  /// Throws `usage` for an address that the library does not understand.
  init(_ settings: LoadSettings, connections: Int, inFlight: Int) throws(LoadError) {
    guard let address = ManaAddress(settings.server.description) else {
      throw .usage("The client library does not understand the address \(settings.server).")
    }
    self.address = address
    self.inFlight = inFlight
    isOnExecutor = settings.carrier == .executor
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = connections
    configuration.deadline = .nanoseconds(Int64(LoadLimits.stallNanoseconds))
    configuration.credential = settings.credential
    configuration.tls = settings.tls
    configuration.clientName = RawHandshake.clientName
    self.configuration = configuration
  }

  /// What the server says about itself. Throws `unreachable`.
  func welcome() async throws(LoadError) -> Welcome {
    let (information, failure) = await withManaClient(address: address, configuration: configuration) { client in
      let failure = await Self.connect(client)
      return (client.serverInformation, failure)
    }
    if let failure { throw failure }
    guard let information else { preconditionFailure("a reply comes after a welcome") }
    return Welcome(information)
  }

  func run<Source: RequestSource>(
    _ source: inout Source, pacing: Pacing
  ) async throws(LoadError) -> UInt64 {
    let (inFlight, isOnExecutor) = (inFlight, isOnExecutor)
    let original = source
    let (shared, again) = await withManaClient(address: address, configuration: configuration) { client in
      // Connecting is not what is measured; the schedule begins when it is done.
      let failure = await Self.connect(client)
      let shared = SharedSource(
        original, Schedule(pacing, startNanoseconds: System.now()), failure: failure)
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
          // Elsewhere tasks have no preference at all, as in the programs that this stands for.
          if isOnExecutor {
            group.addTask(executorPreference: client.executor) {
              await ClientCaller(client: client, shared: shared).run()
            }
          } else {
            group.addTask { await ClientCaller(client: client, shared: shared).run() }
          }
        }
      }
      return (shared, client.reconnections)
    }
    source = shared.source
    reconnections += again
    if let failure = shared.failure { throw failure }
    return shared.overdue(at: System.now())
  }

  private static func connect(_ client: ManaClient) async -> LoadError? {
    do throws(ManaError) {
      _ = try await client.ping()
      return nil
    } catch {
      return .unreachable("\(error)")
    }
  }
}

extension Welcome {
  /// As much of a welcome as the library passes on; the shards' seed is not.
  fileprivate init(_ information: ServerInformation) {
    self.init(
      shardCount: information.shardCount, ledger: information.ledger.number, instance: information.instance.number,
      shardHashSeed: 0, time: information.time.nanoseconds, serverName: information.name)
    frameBytesMax = information.frameBytesMax
    itemsMax = information.itemsMax
    pageMax = information.pageMax
    requestsInFlightMax = information.requestsInFlightMax
    bytesInFlightMax = information.bytesInFlightMax
  }
}

/// A source that the tasks of a run take turns with.
final class SharedSource<Source: RequestSource>: Sendable {
  private struct State {
    var source: Source
    var schedule: Schedule
    var failure: LoadError?
  }

  /// A request that a task has taken upon itself.
  struct Taken {
    var opcode: Opcode
    var bodyBytes: Int
    /// When its latency begins; it is not to be sent before.
    var dueNanoseconds: UInt64
    /// When it was taken.
    var takenNanoseconds: UInt64
  }

  private let state: Mutex<State>
  let bodyBytesMax: Int

  init(_ source: Source, _ schedule: Schedule, failure: LoadError?) {
    bodyBytesMax = source.bodyBytesMax
    state = Mutex(State(source: source, schedule: schedule, failure: failure))
  }

  var source: Source { state.withLock { $0.source } }
  var failure: LoadError? { state.withLock { $0.failure } }

  func overdue(at now: UInt64) -> UInt64 { state.withLock { $0.schedule.overdue(at: now) } }

  /// Reserves the moment of the next request, and encodes the request into `body`: nil when there is none any more.
  func take(into body: UnsafeMutableRawPointer) -> Taken? {
    let now = System.now()
    return state.withLock { state in
      let due: UInt64
      switch state.schedule.next(at: now) {
      case .end: return nil
      case .send(let intended): due = intended ?? now
      case .wait(let moment): due = moment
      }
      guard state.failure == nil, let next = state.source.encodeNext(into: body) else { return nil }
      state.schedule.advance()
      return Taken(opcode: next.opcode, bodyBytes: next.bodyBytes, dueNanoseconds: due, takenNanoseconds: now)
    }
  }

  /// Lets the source see what became of a request. An error that it throws ends the run.
  func settle(_ body: (_ source: inout Source, _ nowNanoseconds: UInt64) throws(LoadError) -> Void) {
    let now = System.now()
    state.withLock { state in
      do throws(LoadError) {
        try body(&state.source, now)
      } catch {
        if state.failure == nil { state.failure = error }
      }
      state.source.turn(nowNanoseconds: now)
    }
  }
}
