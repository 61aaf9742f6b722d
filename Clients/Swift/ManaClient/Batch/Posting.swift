internal import ManaProtocol

/// One item that is about to be encoded: checked for everything that needs no ledger to be wrong.
struct Posting {
  var item: Item
  var reference: String
  var note: String

  /// Bytes that it takes in a body.
  var bytes: Int { Item.bytes + Int(item.referenceBytes) + Int(item.noteBytes) }
}

// Inlined where a batch appends: passed on from function to function, a posting would be copied at each of them.
extension Posting {
  @inline(__always)
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
  @inline(__always)
  static func credit(
    _ operation: Operation, _ account: AccountID, _ amount: Mana, quantity: Int, id: TransactionID,
    reference: String?, note: String?
  ) throws(ManaError) -> Posting {
    var posting = try Posting(operation.type, operation, account, id, reference: reference, note: note)
    posting.item.amount = try positive(amount, id)
    posting.item.quantity = try exact(quantity, id)
    return posting
  }

  @inline(__always)
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

  @inline(__always)
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

  @inline(__always)
  private init(
    _ type: TransactionType, _ operation: Operation?, _ account: AccountID, _ id: TransactionID, reference: String?,
    note: String?
  ) throws(ManaError) {
    guard account.number != 0 else { throw Self.invalid(id, "zero is no account") }
    guard id.number != 0 else { throw Self.invalid(id, "zero is no transaction id") }
    self.reference = reference ?? ""
    self.note = note ?? ""
    item = Item(
      id: id.number, account: account.number, amount: 0, type: type, operation: operation,
      referenceBytes: try Self.bytes(of: self.reference, "reference", id),
      noteBytes: try Self.bytes(of: self.note, "note", id))
  }

  @inline(__always)
  private static func bytes(of text: String, _ name: String, _ id: TransactionID) throws(ManaError) -> Int {
    let count = text.utf8.count
    guard count <= Limits.textBytesMax else {
      throw invalid(id, "a \(name) has at most 255 bytes, this one has \(count)")
    }
    return count
  }

  @inline(__always)
  private static func positive(_ amount: Mana, _ id: TransactionID) throws(ManaError) -> UInt64 {
    guard amount > .zero else {
      throw invalid(id, "an amount is above zero, not \(amount); its sign follows from the type")
    }
    return UInt64(amount.micromana)
  }

  @inline(__always)
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
