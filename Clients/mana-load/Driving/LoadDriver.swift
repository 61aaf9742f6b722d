/// What carries requests to the server: sockets of its own, or a client library.
protocol LoadDriver {
  /// Asks what `source` asks until it has nothing further or the pacing's deadline passes, and waits for every reply.
  ///
  /// Returns how many requests of an open loop were due but could not be sent before the deadline. Throws when the
  /// server can no longer be reached, and whatever the source throws.
  func run(_ source: inout some RequestSource, pacing: Pacing) async throws(LoadError) -> UInt64

  /// Connections that were cut and made anew.
  var reconnections: Int { get }
}

extension RawDriver: LoadDriver {}
