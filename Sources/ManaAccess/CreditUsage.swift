import ManaText
import Synchronization

// The file:
//
//     mana-credit-usage 1
//     2026-11-26 1250.0 token shop
//
// A line says that on this day of UTC the caller has credited at most so much. The amount is written before it is
// credited, ahead of what was asked for, so that most credits write nothing.

/// How much each caller has credited in the present day of UTC, for the callers that have a limit on it.
///
/// **What holds**: a caller never credits more in a day than its limit, over all shards, all its tokens and all its
/// connections, across restarts, crashes and power cuts. What is about to be credited is taken from the day's rest before
/// anything is applied, and given back when it turns out to have been refused or credited before. A credit belongs to the
/// day in which its request was taken. **What it costs**: after a crash up to a 64th of the limit, and what was being
/// credited, counts as credited although it was not. A clock that is set back does not begin a day again.
public final class CreditUsage: Sendable {
  /// The file's name in a data directory.
  public static let nameInDataDirectory = "credit-usage"
  static let heading = "mana-credit-usage 1"
  /// The file is written once for so much of a limit, at the most.
  static let portionsPerDay: UInt64 = 64

  /// What a caller may credit now, and has to account for.
  public struct Claim: Sendable {
    let identity: String
    let day: String
    let amount: UInt64
  }

  public enum Outcome: Sendable {
    case granted(Claim)
    /// It is more than what is left of the day's limit, in micromana.
    case exceeded(left: UInt64)
    /// It cannot be written down, and must not happen.
    case unrecorded(CredentialsError)
  }

  private struct Sum {
    /// As in the file; days compare as their texts do.
    var day: String
    var used: UInt64
    /// What the file says; never less than `used`.
    var recorded: UInt64
  }

  private struct State {
    var sums: [String: Sum] = [:]
    /// The latest day that was asked about or stands in the file, and the number of the one that was asked about last.
    var today = ""
    var numberAsked = UInt64.max

    /// The day of a time, but none before one that has begun already: a clock that is set back begins no day again. Its
    /// text is made once a day.
    mutating func day(of time: UInt64) -> String {
      let nanosecondsPerDay: UInt64 = 86_400_000_000_000
      let number = time / nanosecondsPerDay
      if number != numberAsked {
        numberAsked = number
        today = max(today, String(LedgerText.time(number * nanosecondsPerDay).prefix(10)))
      }
      return today
    }
  }

  private let file: WholeFile?
  private let state: Mutex<State>

  /// Keeps the sums in memory alone.
  public init() {
    file = nil
    state = Mutex(State())
  }

  /// Reads the file, if there is one. Throws where it is not what was written: a day's rest that is not known is not given
  /// away.
  public init(path: String) throws(CredentialsError) {
    let file = WholeFile(path: path)
    var state = State()
    if let text = try file.read() {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      guard lines.first.map(String.init) == Self.heading, lines.count >= 2, lines.last == "" else {
        throw .file(path: path, problem: "it is no record of credits; remove it to begin the day anew")
      }
      for (number, line) in lines.enumerated().dropFirst().dropLast() {
        guard let (identity, sum) = Self.parse(line), state.sums.updateValue(sum, forKey: identity) == nil else {
          throw .file(
            path: path,
            problem: "line \(number + 1) is no record of a day's credits; remove the file to begin the day anew")
        }
        state.today = max(state.today, sum.day)
      }
    }
    self.file = file
    self.state = Mutex(state)
  }

  /// Takes `amount` from what is left to a caller in the day of `time`, in nanoseconds since 1970. May write the file.
  public func claim(_ amount: UInt64, of identity: String, limit: UInt64, at time: UInt64) -> Outcome {
    state.withLock { state in
      let day = state.day(of: time)
      var sum = state.sums[identity] ?? Sum(day: day, used: 0, recorded: 0)
      if sum.day != day { sum = Sum(day: day, used: 0, recorded: 0) }
      let left = limit > sum.used ? limit - sum.used : 0
      guard amount <= left else { return .exceeded(left: left) }
      sum.used += amount
      if sum.used > sum.recorded {
        sum.recorded = sum.used + min(limit - sum.used, limit / Self.portionsPerDay)
        var sums = state.sums
        sums[identity] = sum
        do throws(CredentialsError) { try write(sums, of: day) } catch { return .unrecorded(error) }
      }
      state.sums[identity] = sum
      return .granted(Claim(identity: identity, day: sum.day, amount: amount))
    }
  }

  /// Gives back what of a claim was not credited.
  public func settle(_ claim: Claim, credited: UInt64) {
    precondition(credited <= claim.amount, "more was credited than was claimed")
    state.withLock { state in
      guard state.sums[claim.identity]?.day == claim.day else { return }
      state.sums[claim.identity]?.used -= claim.amount - credited
    }
  }

  /// Writes what was really credited, at the end of a server: the next start then goes on without a loss.
  public func close() throws(CredentialsError) {
    try state.withLock { state throws(CredentialsError) in
      guard state.sums.values.contains(where: { $0.recorded != $0.used }) else { return }
      var sums = state.sums
      for (identity, sum) in state.sums { sums[identity]?.recorded = sum.used }
      try write(sums, of: state.today)
      state.sums = sums
    }
  }

  /// Writes the sums of a day; those of days before have no meaning any more.
  private func write(_ sums: [String: Sum], of day: String) throws(CredentialsError) {
    guard let file else { return }
    let lines = sums.filter { $0.value.day == day }
      .map { "\($0.value.day) \(LedgerText.mana($0.value.recorded)) \($0.key)\n" }
    try file.replace(with: Self.heading + "\n" + lines.sorted().joined())
  }

  private static func parse(_ line: Substring) -> (identity: String, Sum)? {
    let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count == 3, words[0].count == 10, !words[2].isEmpty, let amount = LedgerText.micromana(words[1]) else {
      return nil
    }
    return (String(words[2]), Sum(day: String(words[0]), used: amount, recorded: amount))
  }
}
