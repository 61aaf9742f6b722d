import ManaEventLoop
import ManaProtocol

/// What a shard knows about one connection.
final class Session {
  /// How far the conversation is.
  enum Stage {
    /// Nothing complete has arrived; the preface and the hello are expected.
    case handshake
    case established
    /// An error frame is on its way out and nothing more is read.
    case closing
  }

  let connection: Connection
  /// When it was accepted, on the loop's clock, in nanoseconds.
  let acceptedAt: UInt64
  var stage = Stage.handshake
  /// Largest frame that the client accepts, in bytes.
  var frameBytesMax = Limits.frameBytesMax
  var held = HeldReplies()
  /// When unread bytes arrived, for deadlines.
  var arrivals = ArrivalLog()
  /// Unanswered requests, and their bytes.
  private(set) var requestsInFlight = 0
  private(set) var bytesInFlight = 0
  /// Whether the shard has it in its list of sessions with input to look at.
  var isRunnable = false

  init(_ connection: Connection, acceptedAt: UInt64) {
    self.connection = connection
    self.acceptedAt = acceptedAt
  }

  /// Whether another request can be taken: the limits of `welcome` bound requests, their bytes, and unread replies.
  var hasCapacity: Bool {
    requestsInFlight < Limits.requestsInFlightMax && bytesInFlight < Limits.bytesInFlightMax
      && held.bytes + connection.outputBacklog < Limits.bytesInFlightMax
  }

  /// Counts a request that was taken and is not answered yet.
  func began(requestBytes: Int) {
    requestsInFlight += 1
    bytesInFlight += requestBytes
  }

  /// Counts requests whose replies have left.
  func answered(_ replies: Int, requestBytes: Int) {
    requestsInFlight -= replies
    bytesInFlight -= requestBytes
    precondition(requestsInFlight >= 0 && bytesInFlight >= 0, "a reply without a request")
  }
}

/// When the unread bytes of a connection arrived, so that a deadline counts from a frame's arrival although the frame
/// had to wait.
struct ArrivalLog {
  private var entries: [(end: Int, time: UInt64)] = []
  private var received = 0
  private var consumed = 0

  /// Notes that `unread` bytes lie in the input at `time`, in nanoseconds of the loop's clock.
  mutating func note(unread: Int, at time: UInt64) {
    received = consumed + unread
    if let last = entries.last, last.time == time {
      entries[entries.count - 1].end = received
    } else {
      entries.append((received, time))
    }
  }

  /// The time at which the byte before `offset` of the unread input arrived.
  func arrival(ofBytes offset: Int) -> UInt64 {
    (entries.first { $0.end >= consumed + offset } ?? entries.last)?.time ?? 0
  }

  /// Notes that `count` bytes were taken out of the input.
  mutating func consume(_ count: Int) {
    consumed += count
    entries.removeAll { $0.end <= consumed }
  }
}
