import Synchronization

/// What the connections of one caller share, over all shards: their number, and the rate of what they ask for.
final class Caller: Sendable {
  /// Its credential's kind and name; its address on a server that asks nobody for credentials.
  let name: String
  fileprivate let connections = Atomic(0)
  /// When all that was taken is paid for at the rate that is allowed, on the loops' clock in nanoseconds: the virtual
  /// scheduling algorithm of ITU-T I.371, which is a token bucket in one word.
  private let paidAt = Atomic<UInt64>(0)

  fileprivate init(_ name: String) { self.name = name }

  /// Takes `cost` units at `rate` units a second, and returns zero; or takes nothing, and returns the nanoseconds until
  /// something will be taken again.
  ///
  /// A second's worth is taken at once, and the last request of it whole, however large: what it is beyond is paid for by
  /// a longer wait. So a large batch gets through at any rate, and the mean is never above the rate.
  func take(_ cost: Int, rate: Int, now: UInt64) -> UInt64 {
    let second: UInt64 = 1_000_000_000
    let price = second * UInt64(cost) / UInt64(rate)
    var paid = paidAt.load(ordering: .relaxed)
    while true {
      if paid >= now + second { return paid - now - second + 1 }
      let (exchanged, original) = paidAt.weakCompareExchange(
        expected: paid, desired: max(paid, now) + price, ordering: .relaxed)
      if exchanged { return 0 }
      paid = original
    }
  }

  fileprivate func owes(at now: UInt64) -> Bool { paidAt.load(ordering: .relaxed) > now }
}

/// The callers that have connections, or took more than their rate has paid for.
final class Callers: Sendable {
  private struct State {
    var callers: [String: Caller] = [:]
    /// Callers without connections are looked for when there are so many.
    var sweepAt = 64
  }

  /// Most connections of a caller; nil for no limit.
  let connectionsMax: Int?
  /// Most that a caller may ask for, in transactions and reads a second; nil for no limit.
  let rateMax: Int?
  private let state = Mutex(State())

  init(connectionsMax: Int? = nil, rateMax: Int? = nil) {
    self.connectionsMax = connectionsMax
    self.rateMax = rateMax
  }

  /// Whether anything is limited, so that callers have to be told apart.
  var areLimited: Bool { connectionsMax != nil || rateMax != nil }

  /// Counts a connection of a caller; nil when it has as many as it may have. Amortized O(1).
  func enter(_ name: String, now: UInt64) -> Caller? {
    state.withLock { state in
      if state.callers.count >= state.sweepAt {
        // A caller that came back would otherwise have its second's worth again.
        state.callers = state.callers.filter { $1.connections.load(ordering: .relaxed) > 0 || $1.owes(at: now) }
        state.sweepAt = max(64, 2 * state.callers.count)
      }
      let caller = state.callers[name] ?? Caller(name)
      let count = caller.connections.load(ordering: .relaxed)
      guard count < connectionsMax ?? .max else { return nil }
      caller.connections.store(count + 1, ordering: .relaxed)
      state.callers[name] = caller
      return caller
    }
  }

  /// Takes a connection off the count.
  func leave(_ caller: Caller) {
    state.withLock { _ in
      let count = caller.connections.load(ordering: .relaxed)
      precondition(count > 0, "a connection that was not counted")
      caller.connections.store(count - 1, ordering: .relaxed)
    }
  }

  /// Callers that are remembered.
  var count: Int { state.withLock { $0.callers.count } }
}
