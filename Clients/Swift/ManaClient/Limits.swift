internal import NIOCore

/// Every limit of this module, with its unit and its reason. The protocol's own limits are those of the specification,
/// and the server's are in its `welcome`.
enum ClientLimits {
  /// A body up to this many bytes is copied behind its header into the buffer of the event-loop turn; a larger one is
  /// written from where it was encoded. Copying a page is cheaper than one more element of a vectored write.
  static let copiedBodyBytesMax = 4_096

  /// Bytes that one turn gathers before it starts another buffer, so that no buffer grows past what the allocator
  /// serves from its caches.
  static let gatheredBytesMax = 256 * 1_024

  /// Buffers of large replies that a connection keeps to use again: as many as it has large requests in flight, as a rule.
  static let keptBuffersMax = 4

  /// Smallest of them, in bytes: below that, memory comes from the allocator's caches.
  static let keptBufferBytesMin = 64 * 1_024

  /// Entries of the deadline queue whose calls have ended before they are swept out, beyond as many as are alive.
  static let staleDeadlinesMin = 256

  /// Messages for whose next batch the event loop keeps the memory of the last one: what a few hundred tasks post in a turn.
  static let keptMessagesMax = 4_096

  /// After so many messages that tasks on the event loop post in one turn, these are delivered before the others come.
  /// With 256 tasks that each wait for their calls, 64 to 128 gave the most calls a second, and the fewer requests the better.
  static let messagesPerDelivery = 128

  /// Most connections of one client: past a few, more of them only cost memory, since calls are multiplexed.
  static let connectionsMax = 64

  /// First bytes of a stranger that are looked at and shown: enough to tell HTTP from TLS from SSH.
  static let strangerBytesMax = 8

  /// Longest deadline that fits the frame header, in microseconds. A longer one is watched by the client alone.
  static let headerDeadlineMicrosecondsMax: Int64 = Int64(UInt32.max)

  /// Longest duration that the event loop is asked to wait, in seconds: about ten years, far from an overflow.
  static let durationSecondsMax: Int64 = 315_360_000

  /// Most tokens of a retry budget: more than any client has calls in flight.
  static let retryTokensMax = 1_000_000

  /// Longest token, in bytes: several times what a server makes, and well within a hello.
  static let tokenBytesMax = 1_024

  /// How long a connection that is being closed waits for the server's TLS close_notify: longer than a round trip, and
  /// short enough not to hold up the end of a program.
  static let closeNotifyWaitMax = TimeAmount.seconds(1)
}
