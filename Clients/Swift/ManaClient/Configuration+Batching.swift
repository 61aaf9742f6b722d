extension ManaClient.Configuration {
  /// How concurrent single calls share requests.
  ///
  /// What is in flight is the clock: while fewer than `pipelineDepth` shared requests wait for their replies, a call is
  /// sent at once; otherwise calls gather, and go together when a reply comes, when there are enough of them, or when
  /// the first of them has waited for `linger`. One task alone never waits, and many tasks cost the server's disk one
  /// write for all of them.
  public struct Batching: Hashable, Sendable {
    /// Requests with gathered calls that may be in flight before calls gather, at least 1.
    public var pipelineDepth: Int
    /// Most calls in one request, at least 1; the server's own limit applies as well. With 1, calls never gather.
    public var itemsMax: Int
    /// Most bytes of one request; the server's own limit applies as well. A single call is sent whatever its size.
    public var bytesMax: Int
    /// How long a call gathers at most, however much is in flight.
    public var linger: Duration

    /// The defaults, but for what is given.
    public init(
      pipelineDepth: Int = 2, itemsMax: Int = 1_024, bytesMax: Int = 256 << 10, linger: Duration = .milliseconds(2)
    ) {
      self.pipelineDepth = pipelineDepth
      self.itemsMax = itemsMax
      self.bytesMax = bytesMax
      self.linger = linger
    }

    /// Traps with the reason when a value cannot be meant.
    func check() {
      precondition(pipelineDepth > 0 && itemsMax > 0 && bytesMax > 0, "batches have room for at least one call")
      precondition(linger >= .zero, "calls do not gather for less than no time")
    }
  }
}
