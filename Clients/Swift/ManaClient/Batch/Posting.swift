internal import ManaProtocol

/// One item that is about to be encoded: checked for everything that needs no ledger to be wrong.
struct Posting {
  var item: Item
  var reference: String
  var note: String

  /// Bytes that it takes in a body.
  var bytes: Int { Item.bytes + Int(item.referenceBytes) + Int(item.noteBytes) }
}

extension Posting {
  static func spend(
    _ account: AccountID, _ amount: Mana, for operation: Operation, quantity: Int, id: TransactionID,
    settleWithin: Duration?, reference: String?, note: String?
  ) throws(ManaError) -> Posting {
    guard operation.type == .spend else {
      throw invalid(id, "\(operation.name) is no operation that Mana is spent on")
    }
    var posting = try Posting(.spend, operation, account, id, reference: reference, note: note)
    posting.item.amount = try positive(amount, id)
    posting.item.quantity = try exact(quantity, id)
    if let settleWithin {
      let milliseconds = settleWithin.components.seconds.multipliedReportingOverflow(by: 1_000)
      let whole =
        UInt64(clamping: milliseconds.partialValue)
        &+ UInt64(
          clamping: settleWithin.components.attoseconds / 1_000_000_000_000_000)
      guard !milliseconds.overflow, settleWithin > .zero,
        (Limits.settlementMillisecondsMin...Limits.settlementMillisecondsMax).contains(whole)
      else { throw invalid(id, "a settlement timeout is from one second to 30 days, not \(settleWithin)") }
      posting.item.related = UInt128(whole)
      posting.item.flags = .unsettled
    }
    return posting
  }

  /// A purchase or a bonus.
  static func credit(
    _ operation: Operation, _ account: AccountID, _ amount: Mana, quantity: Int, id: TransactionID,
    reference: String?, note: String?
  ) throws(ManaError) -> Posting {
    var posting = try Posting(operation.type, operation, account, id, reference: reference, note: note)
    posting.item.amount = try positive(amount, id)
    posting.item.quantity = try exact(quantity, id)
    return posting
  }

  static func refund(
    _ account: AccountID, of spend: TransactionID, amount: Mana?, id: TransactionID, voidIfUnknown: Bool,
    reference: String?, note: String?
  ) throws(ManaError) -> Posting {
    var posting = try Posting(.refund, .refund, account, id, reference: reference, note: note)
    guard spend.number != 0 else { throw invalid(id, "a refund names its spend; zero is no transaction id") }
    posting.item.related = spend.number
    if let amount {
      posting.item.amount = try positive(amount, id)
    } else {
      posting.item.flags.insert(.remaining)
    }
    if voidIfUnknown { posting.item.flags.insert(.voidIfUnknown) }
    return posting
  }

  static func settle(
    _ account: AccountID, _ spend: TransactionID, as outcome: SettlementOutcome, id: TransactionID, note: String?
  ) throws(ManaError) -> Posting {
    var posting = try Posting(.settlement, nil, account, id, reference: nil, note: note)
    guard spend.number != 0 else { throw invalid(id, "a settlement names its spend; zero is no transaction id") }
    posting.item.related = spend.number
    switch outcome {
    case .succeeded: posting.item.flags = .remaining
    case .succeededUsing(let used): posting.item.amount = try positive(used, id)
    case .failed: posting.item.amount = 0
    }
    return posting
  }

  private init(
    _ type: TransactionType, _ operation: Operation?, _ account: AccountID, _ id: TransactionID, reference: String?,
    note: String?
  ) throws(ManaError) {
    guard account.number != 0 else { throw Self.invalid(id, "zero is no account") }
    guard id.number != 0 else { throw Self.invalid(id, "zero is no transaction id") }
    self.reference = reference ?? ""
    self.note = note ?? ""
    for (name, text) in [("reference", self.reference), ("note", self.note)]
    where text.utf8.count > Limits.textBytesMax {
      throw Self.invalid(id, "a \(name) has at most 255 bytes, this one has \(text.utf8.count)")
    }
    item = Item(
      id: id.number, account: account.number, amount: 0, type: type, operation: operation,
      referenceBytes: self.reference.utf8.count, noteBytes: self.note.utf8.count)
  }

  private static func positive(_ amount: Mana, _ id: TransactionID) throws(ManaError) -> UInt64 {
    guard amount > .zero else {
      throw invalid(id, "an amount is above zero, not \(amount); its sign follows from the type")
    }
    return UInt64(amount.micromana)
  }

  private static func exact(_ quantity: Int, _ id: TransactionID) throws(ManaError) -> UInt32 {
    guard let exact = UInt32(exactly: quantity) else {
      throw invalid(id, "a quantity is from 0 to 2^32 − 1, not \(quantity)")
    }
    return exact
  }

  private static func invalid(_ id: TransactionID, _ message: String) -> ManaError {
    ManaError(.invalidArgument, execution: .notExecuted, message: message, transactionID: id)
  }
}
