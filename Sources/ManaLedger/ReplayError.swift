/// A record that cannot have come from this ledger, found by `Ledger.replay`. The ledger is of no use afterwards.
public struct ReplayError: Error, Equatable, CustomStringConvertible, Sendable {
  /// What is wrong with a record.
  public enum Problem: String, Sendable {
    case truncated = "the block ends within the record"
    case recordCount = "the block holds another number of records"
    case unknownType = "the type is none that a record can have"
    case invalidItem = "the item would have been refused"
    case paddingNotZero = "the padding is not zero"
    case accountUnknown = "the account was not created before"
    case duplicateID = "the account has this id already"
    case chainBroken = "the previous position is not that of the account's last transaction"
    case jumpWrong = "the jump position is another than the chain gives"
    case sequenceWrong = "the sequence number does not follow the last one"
    case balanceWrong = "the balance is not what the amount gives"
    case totalOverflow = "a total would not fit"
    case timestampNotIncreasing = "the timestamp is not after the last one"
    case originalUnknown = "the spend that it names does not exist"
    case refundExceedsOriginal = "more is refunded than is left of the spend"
    case settlementNotOpen = "the spend that it names is not unsettled"
    case recordAbsent = "an earlier record, this one, is needed and not at hand"
  }

  /// The record's position.
  public let position: UInt64
  public let problem: Problem

  public init(position: UInt64, problem: Problem) {
    self.position = position
    self.problem = problem
  }

  public var description: String { "record \(position): \(problem.rawValue)" }
}
