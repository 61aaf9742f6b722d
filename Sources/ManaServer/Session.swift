import ManaAccess
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
  /// When the last request was taken, or an answer was last waited for, likewise.
  var requestedAt: UInt64
  var stage = Stage.handshake
  /// Largest frame that the client accepts, in bytes.
  var frameBytesMax = Limits.frameBytesMax
  /// Who the caller is; nil where everybody is let in.
  private(set) var credential: Credential?
  /// What it shares with the caller's other connections; nil where callers are not limited.
  var caller: Caller?
  /// What the caller may do.
  private(set) var roles = Roles.all
  /// What the caller may do at most; nil where nothing is limited.
  private(set) var limits: CallerLimits?
  var held = HeldReplies()
  /// When unread bytes arrived, for deadlines.
  var arrivals = ArrivalLog()
  /// Unanswered requests, and their bytes.
  private(set) var requestsInFlight = 0
  private(set) var bytesInFlight = 0
  /// What the shard has counted of the memory of `held`, in bytes.
  var heldBytesCounted = 0
  /// Whether the shard has it in its list of sessions with input to look at.
  var isRunnable = false

  init(_ connection: Connection, acceptedAt: UInt64) {
    self.connection = connection
    self.acceptedAt = acceptedAt
    requestedAt = acceptedAt
  }

  /// Bytes of memory that its half-sent frame and its unread replies hold.
  var memoryBytes: Int { connection.bufferBytes + held.storageBytes }

  /// Whether another request can be taken: the limits of `welcome` bound requests, their bytes, and unread replies.
  var hasCapacity: Bool {
    requestsInFlight < Limits.requestsInFlightMax && bytesInFlight < Limits.bytesInFlightMax
      && held.bytes + connection.outputBacklog < Limits.bytesInFlightMax
  }

  /// From here on the caller is this one.
  func admit(as credential: Credential) {
    self.credential = credential
    roles = credential.roles
    limits = credential.limits.isEmpty ? nil : credential.limits
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
  var entryCount: Int { entries.count }

  /// Notes that `unread` bytes lie in the input at `time`, in nanoseconds of the loop's clock. Past the number of entries
  /// that are kept, the newest takes in what comes, so that a frame sent byte by byte costs no more memory than its bytes;
  /// the deadline of what it covers begins later then.
  mutating func note(unread: Int, at time: UInt64) {
    received = consumed + unread
    if let last = entries.last, last.time == time || entries.count >= ServerLimits.arrivalsKept {
      entries[entries.count - 1] = (received, time)
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
    guard let first = entries.first, first.end <= consumed else { return }
    entries.removeAll { $0.end <= consumed }
  }
}
