internal import Logging

/// How a client ends without failing what is under way.
extension ConnectionPool {
  /// Takes no further calls, and stops once the last of those that were submitted has ended.
  func drain() {
    switch stage {
    case .created: stop(nil)
    case .running:
      guard !isDraining else { return }
      isDraining = true
      logger?.info("shutting down: no further calls are taken", metadata: ["address": "\(address)"])
      stopIfDrained()
    case .stopping, .stopped: break
    }
  }

  /// Stops when the pool drains and no caller waits any more. Linear in what is in flight, and only while it drains.
  func stopIfDrained() {
    guard isDraining, case .running = stage, waiting.isEmpty, gathering.isEmpty else { return }
    guard (slots.compactMap(\.handler) + draining).allSatisfy({ !$0.hasCallers }) else { return }
    logger?.info("shut down: every call has ended", metadata: ["address": "\(address)"])
    stop(nil)
  }
}
