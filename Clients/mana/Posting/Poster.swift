import ManaClient
import ManaProtocol

/// Posts a validated file: several batches at a time, yet the transactions of one account in the file's order.
///
/// Accounts are dealt out to *lanes* by their number. A lane posts its batches one after the other, so that a purchase
/// is executed before the spends that follow it in the file; batches of different lanes are in flight together.
struct Poster: Sendable {
  /// Lanes, a power of two: enough to keep the disk and the network busy at once, little enough memory (a batch being
  /// filled and one in flight for each, about 600 KB).
  static let laneCount = 4

  /// How often a batch is sent before the command gives up. With pauses that double from ``pauseFirst``, and
  /// ``reconnectDeadline`` for each new connection, a server that is gone is waited for about ten seconds.
  static let attemptsMax = 5
  static let pauseFirst = Duration.milliseconds(200)
  static let reconnectDeadline = Duration.seconds(2)

  let client: ManaClient

  /// Why posting ended early, and what is known to have been answered by then.
  struct Interruption: Error {
    var summary: PostSummary
    var cause: any Error
  }

  /// Posts every line. Constant memory.
  ///
  /// Throws ``Interruption``. Running it again on the same file is always safe.
  func post(
    _ file: borrowing PostFile, _ content: PostFileContent, answered: (PostSummary) -> Void
  ) async throws(Interruption) -> PostSummary {
    var summary = PostSummary()
    do {
      var reader = try file.lines(of: content)
      let lanes = (0..<Self.laneCount).map { _ in PostLane() }
      try await withThrowingTaskGroup(of: Answer.self) { group in
        while let line = try Self.next(&reader) {
          let lane = Self.lane(of: line.account)
          try lanes[lane].append(line, derivation: content.derivation)
          guard lanes[lane].isFull else { continue }
          try file.checkUnchanged()
          while lanes[lane].isInFlight, let answer = try await group.next() {
            lanes[answer.lane].isInFlight = false
            summary.add(answer.results, lines: answer.lines)
            answered(summary)
          }
          launch(lane, lanes[lane], in: &group)
        }
        try file.checkUnchanged()
        // The last batch of a lane waits, like each before it, for the one that is in flight.
        while true {
          for (lane, state) in lanes.enumerated() where !state.isEmpty && !state.isInFlight {
            launch(lane, state, in: &group)
          }
          guard let answer = try await group.next() else { break }
          lanes[answer.lane].isInFlight = false
          summary.add(answer.results, lines: answer.lines)
          answered(summary)
        }
      }
      return summary
    } catch {
      throw Interruption(summary: summary, cause: error)
    }
  }

  /// Sends what a lane has collected.
  private func launch(_ lane: Int, _ state: PostLane, in group: inout ThrowingTaskGroup<Answer, any Error>) {
    let batch = state.take()
    state.isInFlight = true
    group.addTask { try await send(batch, lane: lane) }
  }

  /// The lane of an account. The multiplier is 2^64 divided by the golden ratio: neighbours are dealt out evenly.
  static func lane(of account: UInt128) -> Int {
    let mixed =
      (UInt64(truncatingIfNeeded: account) ^ UInt64(truncatingIfNeeded: account >> 64)) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed >> 32) & (laneCount - 1)
  }

  /// A line that was fine when the file was validated, and is not now, has been changed since.
  private static func next(_ reader: inout PostLineReader) throws(PostFileError) -> PostLine? {
    do {
      return try reader.next()
    } catch .malformed {
      throw .changed
    }
  }

  private struct Answer: Sendable {
    var lane: Int
    var lines: [Int]
    var results: BatchResults
  }

  /// Sends a batch until it is answered: the ids stay the same, so that nothing is charged twice.
  private func send(_ batch: PostBatch, lane: Int) async throws -> Answer {
    var pause = Self.pauseFirst
    var attempt = 1
    while true {
      do throws(ManaError) {
        if attempt > 1 { try await client.ping(deadline: Self.reconnectDeadline) }
        return Answer(lane: lane, lines: batch.lines, results: try await client.post(batch.batch))
      } catch {
        let isWorthRepeating = error.isRetryable || error.execution == .unknown
        guard attempt < Self.attemptsMax, isWorthRepeating, !Task.isCancelled else { throw error }
        try await Task.sleep(for: max(pause, error.retryAfter ?? .zero))
        attempt += 1
        pause *= 2
      }
    }
  }
}
