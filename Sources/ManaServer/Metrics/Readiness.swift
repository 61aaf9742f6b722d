import Synchronization

/// Something that is so or is not, for any thread to set and to ask; at first it is not. The server's own: whether it
/// takes requests, which it does neither while it recovers nor once it drains.
final class Readiness: Sendable {
  private let ready = Atomic(false)

  var isReady: Bool { ready.load(ordering: .relaxed) }
  func set(_ isReady: Bool) { ready.store(isReady, ordering: .relaxed) }
}
