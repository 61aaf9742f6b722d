public import ManaProtocol

/// The ledger's answer that a transaction was not applied, and why. Nothing was changed, and the id can be used again.
public struct Refusal: Error, Hashable, Sendable {
  /// The transaction that was refused.
  public var transactionID: TransactionID
  /// The account that it was for.
  public var account: AccountID
  /// Why.
  public var status: Status
  /// What was asked for; zero when everything that is left was.
  public var amount: Mana
  /// The account's present balance.
  public var balance: Mana
  /// For ``Status/idConflict``, the first field that differs.
  public var conflictField: ConflictField?
}

extension Refusal: CustomStringConvertible {
  /// Why it was refused, in a sentence for people, with the figures. Holds no text that came with the transaction.
  public var description: String { "\(status.name): \(explanation)" }

  private var explanation: String {
    switch status {
    case .insufficientBalance: "the balance of account \(account) is \(balance) Mana, the spend takes \(amount)"
    case .idConflict:
      "account \(account) already has a transaction \(transactionID) with another "
        + (conflictField.map { String(describing: $0) } ?? "content")
    case .accountUnknown: "no purchase or bonus has created account \(account) yet"
    case .originalUnknown: "account \(account) has no transaction with the id that this refers to"
    case .refundExceedsOriginal: "\(amount) Mana are more than what is left of the spend"
    case .usedExceedsAmount: "\(amount) Mana used are more than what was charged"
    case .balanceOverflow: "\(amount) Mana more would not fit the balance or a lifetime total of account \(account)"
    default: Self.sentence(for: status)
    }
  }

  /// What a status means when there is nothing more to say about it.
  static func sentence(for status: Status) -> String {
    switch status {
    case .unknownType: "the type is none that the ledger knows"
    case .typeMismatch: "the transaction's type is not that of the call"
    case .unknownOperation: "the operation is none that the ledger knows"
    case .operationMismatch: "the operation does not belong to the transaction's type"
    case .reservedFlag: "a flag does not belong to the transaction's type"
    case .idMissing: "the transaction has no id"
    case .accountMissing: "the transaction has no account"
    case .relatedMissing: "the spend that this is about is not named"
    case .relatedNotAllowed: "only a refund or a settlement names another transaction"
    case .settlementTimeoutOutOfRange: "a settlement timeout is from one second to 30 days"
    case .amountZero: "the amount is zero"
    case .amountNotAllowed: "an amount and everything that is left were both asked for"
    case .amountTooLarge: "the amount is above 2^63 − 1 micromana"
    case .textInvalid: "the reference or the note is not UTF-8"
    case .voided: "a refund came before this spend and voided it"
    case .originalNotSpend: "the transaction that this refers to is not a spend"
    case .settlementNotExpected: "the spend did not ask for a settlement"
    case .alreadySettled: "the spend was settled before, in another way"
    case .alreadyRefunded: "a refund ended the settlement of the spend"
    case .settlementTimedOut: "the server refunded the spend when its timeout passed"
    case .nothingToRefund: "everything of the spend is refunded already"
    case .accountFull: "the account has as many transactions as an account can have"
    case .notApplied: "another transaction of the atomic batch was refused"
    case .transactionUnknown: "the account has no transaction with that id"
    case .accountUnknown: "no purchase or bonus has created the account yet"
    case .insufficientBalance: "the balance is too low"
    default: status.name
    }
  }
}
