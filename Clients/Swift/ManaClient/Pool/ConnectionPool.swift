internal import Logging
internal import ManaProtocol
internal import NIOCore
internal import NIOPosix

/// The connections of a client, and the calls that wait for them. Lives on one event loop, which needs no locks.
///
/// A call goes to the ready connection with the least in flight, or waits when none has room for it. A connection that
/// ends is replaced after a pause, for as long as the client runs.
final class ConnectionPool {
  /// A place for a connection.
  final class Slot {
    enum Stage {
      case idle
      case connecting
      case greeting(ConnectionHandler, since: NIODeadline)
      case ready(ConnectionHandler, since: NIODeadline)
      case pausing
    }

    let number: Int
    var stage = Stage.idle
    /// Attempts since a connection of this slot last proved good.
    var attempt = 0
    var timer: Scheduled<Void>?
    /// Whether there has been a connection here.
    var wasConnected = false

    init(number: Int) { self.number = number }

    var handler: ConnectionHandler? {
      switch stage {
      case .greeting(let handler, _), .ready(let handler, _): handler
      case .idle, .connecting, .pausing: nil
      }
    }

    var readyHandler: ConnectionHandler? { if case .ready(let handler, _) = stage { handler } else { nil } }
  }

  enum Stage {
    /// `run()` has not been called.
    case created
    case running(CheckedContinuation<Void, Never>?)
    /// Connections are being closed, for which these wait.
    case stopping([CheckedContinuation<Void, Never>])
    case stopped
  }

  let address: ManaAddress
  let configuration: ManaClient.Configuration
  let eventLoop: any EventLoop
  let logger: Logger?
  let latest: LatestServer
  let metrics: ClientMetrics
  /// What the server's log knows this client by.
  let instance = TransactionID.random().number

  var stage = Stage.created
  /// What connections are encrypted with; nil in the clear.
  var encryption: Encryption?
  /// Whether the client takes no further calls, and stops when those that it has are through.
  var isDraining = false
  var slots: [Slot]
  /// Connections of which the server has said that it takes no further calls.
  var draining: [ConnectionHandler] = []
  var waiting: WaitingCalls
  /// Single calls that may travel together.
  var gathering: WaitingCalls
  /// Requests with such calls that are on their way.
  var batchesInFlight = 0
  /// When what gathers is looked at next.
  var lingerAlarm: NIODeadline?
  var deadlines = DeadlineQueue<NIODeadline, PendingCall>()
  var alarm: (at: NIODeadline, timer: Scheduled<Void>)?
  /// Why there is no connection.
  var lastConnectError: ManaError?

  init(
    address: ManaAddress, configuration: ManaClient.Configuration, eventLoop: any EventLoop, logger: Logger?,
    latest: LatestServer, metrics: ClientMetrics
  ) {
    self.address = address
    self.configuration = configuration
    self.eventLoop = eventLoop
    self.logger = logger
    self.latest = latest
    encryption = configuration.tls.map { Encryption($0, to: address) }
    self.metrics = metrics
    slots = (0..<configuration.connectionCount).map { Slot(number: $0) }
    waiting = WaitingCalls(callsMax: configuration.waitingCallsMax, bytesMax: configuration.waitingBytesMax)
    gathering = waiting
  }

  /// Tells the metrics how many connections are ready.
  func countConnections() { metrics.connected(slots.count { $0.readyHandler != nil }) }

  var hasReadyConnection: Bool { slots.contains { $0.readyHandler != nil } }

  /// Whether calls are pointless until somebody changes something: nothing is connected, and the last attempt failed
  /// in a way that does not mend itself.
  var hopelessError: ManaError? {
    guard let error = lastConnectError, !hasReadyConnection, error.isDefinitive else { return nil }
    return error
  }

  /// Handles what was posted since the last turn, then flushes each connection once.
  func receive(_ messages: [Dispatcher.Message]) {
    // One look at the clock for all of them: it costs more than submitting a call.
    let now = NIODeadline.now()
    for message in messages {
      switch message {
      case .start(let continuation): start(continuation)
      case .stop(let continuation): stop(continuation)
      case .drain: drain()
      case .submit(let call, let continuation): submit(call, continuation, now: now)
      case .cancel(let call): cancel(call)
      }
    }
    pump()
    stopIfDrained()
  }

  /// Gives calls that wait to connections that have room.
  func pump() {
    let now = NIODeadline.now()
    while let call = waiting.first() {
      if call.deadline <= now {
        waiting.removeFirst()
        call.end(.failure(expiry(of: call)))
        continue
      }
      guard let handler = leastLoaded(forBytes: call.frameBytes) else { break }
      waiting.removeFirst()
      if call.frameBytes > handler.frameBytesMax {
        call.end(.failure(call.tooLarge(handler.frameBytesMax)))
      } else {
        handler.send(call, now: now)
      }
    }
    pumpGathered(now: now)
    for slot in slots { slot.readyHandler?.flush() }
  }

  /// The ready connection with the least in flight of those that have room for a frame of `frameBytes` bytes.
  func leastLoaded(forBytes frameBytes: Int) -> ConnectionHandler? {
    var best: ConnectionHandler?
    for slot in slots {
      guard let handler = slot.readyHandler else { continue }
      // A call that no connection will ever have room for is told so by whichever is ready.
      guard handler.hasRoom(forBytes: frameBytes) || frameBytes > handler.frameBytesMax else { continue }
      guard let other = best else {
        best = handler
        continue
      }
      let load = (handler.bytesInFlight, handler.requestsInFlight)
      if load < (other.bytesInFlight, other.requestsInFlight) { best = handler }
    }
    return best
  }
}

extension PendingCall {
  func tooLarge(_ bytesMax: Int) -> ManaError {
    error(
      .invalidArgument, .notExecuted,
      "a request of \(frameBytes) bytes is larger than the \(bytesMax) bytes that the server takes")
  }
}

extension ManaError {
  /// Whether connecting failed in a way that waiting does not mend: a stranger, another version, the wrong
  /// ledger, a certificate that is not trusted.
  var isDefinitive: Bool {
    if code == .tlsFailed { return true }
    guard code == .notManaServer || code == .handshakeFailed, let status else { return false }
    return !status.isRetryable && status != .handshakeTimeout
  }
}
