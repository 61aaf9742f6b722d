extension ManaClient.Configuration {
  /// How a call is repeated by itself.
  ///
  /// Repeated is what may succeed without anything being changed in it: a call whose connection was lost, and one that
  /// the server refused as overloaded, full or shutting down. Every attempt carries the same transaction ids, of which
  /// the ledger posts each at most once. All attempts share the call's deadline, and a pause that would pass it ends the
  /// call with what is known then.
  ///
  /// Attempts are paid for out of a budget that all calls of a client share, so that repeating cannot multiply the load
  /// of a server that has trouble: each takes a whole token, and each call that is answered brings a part of one.
  public struct Retry: Hashable, Sendable {
    /// Most attempts of one call, the first one included. With 1, calls are never repeated.
    public var attemptsMax: Int
    /// The pauses between attempts, unless the server asks for longer ones.
    public var backoff: Backoff
    /// Tokens that the budget holds at most, and at first: attempts that are possible at once, for example when a
    /// connection with many calls in flight is lost.
    public var tokensMax: Int
    /// Tokens that a call which is answered brings, from 0 to 1: in the long run, additional attempts are this part of
    /// all calls.
    public var tokensPerAnswer: Double

    /// The defaults, but for what is given.
    public init(
      attemptsMax: Int = 5, backoff: Backoff = Backoff(initial: .milliseconds(20), max: .seconds(2)),
      tokensMax: Int = 10_000, tokensPerAnswer: Double = 0.1
    ) {
      self.attemptsMax = attemptsMax
      self.backoff = backoff
      self.tokensMax = tokensMax
      self.tokensPerAnswer = tokensPerAnswer
    }

    /// Traps with the reason when a value cannot be meant.
    func check() {
      precondition(attemptsMax > 0, "a call is attempted at least once")
      precondition((0...ClientLimits.retryTokensMax).contains(tokensMax), "up to a million tokens")
      precondition((0...1).contains(tokensPerAnswer), "an answer brings at most a whole token")
      backoff.check()
    }
  }
}
