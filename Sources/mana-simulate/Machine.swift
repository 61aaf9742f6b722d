import ManaTesting

/// The machine that the server runs on, as far as `Libuv.swift` and `Sockets.swift` show it: a clock, descriptors and
/// connections. There is one, because C functions have no object, and one thread uses it.
final class Machine {
  /// The monotonic clock in nanoseconds.
  var clock: UInt64 = 1_000_000_000
  /// What the wall clock is ahead of it.
  var wallOffset: UInt64 = 1_800_000_000_000_000_000
  /// Connections that nobody has accepted yet.
  var backlog: [SimulatedLink] = []
  var isListening = false
  /// So many of the next calls of `accept4` fail.
  var failingAccepts = 0
  var counts = FaultCounts()

  fileprivate var links: [Int32: SimulatedLink] = [:]

  /// Stops the wall clock, so that nothing falls due any more.
  var wallStoppedAt: UInt64?

  /// Nanoseconds since 1970.
  var wallClock: UInt64 { wallStoppedAt ?? clock &+ wallOffset }

  func register(_ link: SimulatedLink, as descriptor: Int32) { links[descriptor] = link }
  func link(of descriptor: Int32) -> SimulatedLink? { links[descriptor] }

  func forget(_ descriptor: Int32) {
    links.removeValue(forKey: descriptor)?.isServerGone = true
  }
}

nonisolated(unsafe) var machine = Machine()
