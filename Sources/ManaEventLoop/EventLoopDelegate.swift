/// What a loop tells its server. All calls come on the loop's thread, and none from inside another call to the loop:
/// libuv's callbacks only note what happened; the loop reports it afterwards, then gives the turn.
///
/// In one iteration: first `accepted`, `received`, `drained` and `closed` for the connections they concern, in this
/// order for any one connection; then `turn` once; then the loop sends what the turn has committed.
public protocol EventLoopDelegate: AnyObject {
  /// A connection was accepted, or taken over from another loop. The loop keeps it alive until after `closed`.
  func accepted(_ connection: Connection)

  /// Bytes were added to `connection.input`; at most once an iteration for a connection.
  func received(_ connection: Connection)

  /// The connection is gone; exactly once for each accepted connection, and the last call about it. What it still had
  /// of input was readable until the turn before.
  func closed(_ connection: Connection, _ reason: CloseReason)

  /// The output backlog was at or above the low-water mark and is now below it.
  func drained(_ connection: Connection)

  /// Everything that happened in this iteration has been reported. Also follows each `Waker.wake()`.
  func turn()
}

/// Why a connection ended.
public enum CloseReason: Sendable, Equatable, CustomStringConvertible {
  /// The peer closed its side. Half a close counts: replies committed by the next turn are still sent.
  case peerClosed
  /// `Connection.close` or `EventLoop.stop` ended it.
  case closedByUs
  /// No byte moved for longer than `EventLoop.Options.idleTimeoutMilliseconds`.
  case idle
  /// `Connection.close(afterFlushing:)` gave up: the peer did not take what was pending in time.
  case flushTimedOut
  /// The peer ended the connection without TLS's close_notify: what it sent may have been cut off on the way.
  case truncated
  /// TLS failed, in the handshake or after it, with what OpenSSL says; the peer was sent an alert.
  case tlsFailed(reason: String)
  /// The system reported an error, named as in `errno.h`, such as `ECONNRESET`.
  case failed(name: String)

  public var description: String {
    switch self {
    case .peerClosed: "closed by the peer"
    case .closedByUs: "closed by the server"
    case .idle: "idle for too long"
    case .flushTimedOut: "the peer did not take its output in time"
    case .truncated: "cut off: the peer ended it without a TLS close_notify"
    case .tlsFailed(let reason): "TLS failed: \(reason)"
    case .failed(let name): "failed with \(name)"
    }
  }
}
