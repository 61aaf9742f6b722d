internal import Logging
internal import NIOCore
internal import Synchronization

/// Takes calls from any thread to the event loop on which the pool lives.
///
/// Whatever is posted while a hop is under way travels with it: many concurrent calls cost one hop.
final class Dispatcher: Sendable {
  enum Message: Sendable {
    /// Connect and keep connected; the continuation, if any, is resumed when that has ended.
    case start(CheckedContinuation<Void, Never>?)
    /// Close everything; the continuation, if any, is resumed when that is done.
    case stop(CheckedContinuation<Void, Never>?)
    /// Take no further calls, and stop when those under way have ended.
    case drain
    case submit(PendingCall, PendingCall.Continuation)
    case cancel(PendingCall)
  }

  /// Runs tasks on the event loop.
  let executor: EventLoopExecutor
  private let eventLoop: any EventLoop
  private let pool: NIOLoopBoundBox<ConnectionPool>
  private let mailbox = Mutex(Mailbox())
  private let latest: LatestServer

  init(
    address: ManaAddress, configuration: ManaClient.Configuration, eventLoop: any EventLoop, logger: Logger?,
    metrics: ClientMetrics
  ) {
    let latest = LatestServer()
    self.latest = latest
    self.eventLoop = eventLoop
    executor = EventLoopExecutor(eventLoop)
    pool = NIOLoopBoundBox.makeBoxSendingValue(
      ConnectionPool(
        address: address, configuration: configuration, eventLoop: eventLoop, logger: logger, latest: latest,
        metrics: metrics),
      eventLoop: eventLoop)
  }

  var serverInformation: ServerInformation? { latest.information }
  var reconnections: Int { latest.reconnections }

  /// Hands a message to the pool. Messages of one thread arrive in their order.
  ///
  /// From a task on the event loop too they take a turn, so that what its tasks call in the same turn travels together;
  /// but not all of it: the server is to work on the first of many calls while the tasks make the others. Without that,
  /// all calls of a busy client end up in one request, for which client and server wait in turn.
  func post(_ message: Message) {
    let count = mailbox.withLock { mailbox in
      mailbox.messages.append(message)
      return mailbox.messages.count
    }
    if count == 1 { return eventLoop.execute { self.deliver() } }
    // Not for a cancellation: it comes from within the runtime, which holds the lock of the task that this would resume.
    guard case .submit = message, count.isMultiple(of: ClientLimits.messagesPerDelivery) else { return }
    if eventLoop.inEventLoop { deliver() }
  }

  private func deliver() {
    var messages = mailbox.withLock { mailbox in
      var taken = mailbox.spare
      mailbox.spare = []
      swap(&taken, &mailbox.messages)
      return taken
    }
    pool.value.receive(messages)
    messages.removeAll(keepingCapacity: messages.capacity <= ClientLimits.keptMessagesMax)
    mailbox.withLock { $0.spare = messages }
  }

  /// Messages, and the memory of those that were delivered before, for those to come.
  private struct Mailbox {
    var messages: [Message] = []
    var spare: [Message] = []
  }
}

/// What the server said on the latest connection, and how often one was made again, for any thread to read.
final class LatestServer: Sendable {
  private struct State {
    var information: ServerInformation?
    var reconnections = 0
  }

  private let state = Mutex(State())

  var information: ServerInformation? { state.withLock { $0.information } }
  var reconnections: Int { state.withLock { $0.reconnections } }

  /// A connection was made; `again` in the place of one that had been.
  func welcomed(_ information: ServerInformation, again: Bool) {
    state.withLock { state in
      state.information = information
      if again { state.reconnections += 1 }
    }
  }
}
