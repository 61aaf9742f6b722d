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
  private let connections: Int
  /// Requests in flight on all connections together.
  private let inFlight: Int
  /// Connections that were cut and that the library made anew, in all runs.
  private(set) var reconnections = 0

  init(address: ManaAddress, connections: Int, inFlight: Int) {
    self.address = address
    self.connections = connections
    self.inFlight = inFlight
  }

  func run<Source: RequestSource>(
    _ source: inout Source, pacing: Pacing
  ) async throws(LoadError) -> UInt64 {
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = connections
    configuration.deadline = .nanoseconds(Int64(LoadLimits.stallNanoseconds))
    configuration.clientName = RawHandshake.clientName
    let inFlight = inFlight
    let original = source
    let (shared, again) = await withManaClient(address: address, configuration: configuration) { client in
      // Connecting is not what is measured; the schedule begins when it is done.
      let failure = await Self.connect(client)
      let shared = SharedSource(
        original, Schedule(pacing, startNanoseconds: System.now()), failure: failure)
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight { group.addTask { await ClientCaller(client: client, shared: shared).run() } }
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

  /// Reserves the moment of the next request: nil when there is none any more.
  func reserve() -> Schedule.Next? {
    state.withLock { state in
      let next = state.schedule.next(at: System.now())
      if state.failure != nil || next == .end { return nil }
      state.schedule.advance()
      return next
    }
  }

  /// Encodes the next request into `body`.
  func take(into body: UnsafeMutableRawPointer) -> Taken? {
    state.withLock { state in
      state.source.encodeNext(into: body).map { Taken(opcode: $0.opcode, bodyBytes: $0.bodyBytes) }
    }
  }

  /// Lets the source see what became of a request. An error that it throws ends the run.
  func settle(_ body: (inout Source) throws(LoadError) -> Void) {
    state.withLock { state in
      do throws(LoadError) {
        try body(&state.source)
      } catch {
        if state.failure == nil { state.failure = error }
      }
      state.source.turn(nowNanoseconds: System.now())
    }
  }
}
