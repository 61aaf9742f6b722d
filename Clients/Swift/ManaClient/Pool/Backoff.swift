extension ManaClient.Configuration.Backoff {
  /// The pause before attempt `attempt`, 0 for the first one after a connection was lost: a random part of a bound that
  /// doubles up to the longest. Source: M. Brooker, "Exponential Backoff and Jitter", full jitter.
  func pause(attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
    var bound = initial
    var doublings = attempt
    while doublings > 0, bound < max {
      bound *= 2
      doublings -= 1
    }
    return Swift.min(bound, max) * Double.random(in: 0...1, using: &generator)
  }
}
