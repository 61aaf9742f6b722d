internal import Synchronization

/// What repeating calls may cost: a token bucket that answers fill and additional attempts empty.
///
/// Without it, every client of an overloaded server would multiply that server's load by the number of its attempts.
final class RetryBudget: Sendable {
  /// Parts of a token, so that an answer's share is a whole number.
  private static let partsPerToken = 1_000

  private let partsMax: Int
  private let partsPerAnswer: Int
  private let parts: Atomic<Int>

  init(_ retry: ManaClient.Configuration.Retry) {
    partsMax = retry.tokensMax * Self.partsPerToken
    partsPerAnswer = Int(retry.tokensPerAnswer * Double(Self.partsPerToken))
    parts = Atomic(partsMax)
  }

  /// Whole tokens that are left.
  var tokens: Int { parts.load(ordering: .relaxed) / Self.partsPerToken }

  /// A call was answered. A full bucket is only read, so that callers on several threads do not fight over it.
  func deposit() {
    var current = parts.load(ordering: .relaxed)
    while current < partsMax {
      let (exchanged, original) = parts.weakCompareExchange(
        expected: current, desired: min(partsMax, current + partsPerAnswer), ordering: .relaxed)
      if exchanged { return }
      current = original
    }
  }

  /// Takes a token for one more attempt; false when there is none.
  func withdraw() -> Bool {
    var current = parts.load(ordering: .relaxed)
    while current >= Self.partsPerToken {
      let (exchanged, original) = parts.weakCompareExchange(
        expected: current, desired: current - Self.partsPerToken, ordering: .relaxed)
      if exchanged { return true }
      current = original
    }
    return false
  }
}
