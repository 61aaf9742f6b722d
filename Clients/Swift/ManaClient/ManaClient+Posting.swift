public import ManaProtocol
internal import NIOCore

extension ManaClient {
  /// Charges an account.
  ///
  /// - Parameters:
  ///   - account: the account to charge.
  ///   - amount: what to charge, above zero.
  ///   - operation: what the Mana is used for.
  ///   - quantity: how many things the operation makes, for the history; 0 when it has no such number.
  ///   - id: the idempotency key. Keep it when the call may have to be repeated: with the same id an account is charged
  ///     at most once. The error of a failed call carries it.
  ///   - settleWithin: charges at once and refunds by itself unless ``settle(_:_:as:id:note:deadline:coalescing:)`` or a refund
  ///     comes within this time, from one second to 30 days.
  ///   - reference: for machines, such as the identifier of a job; at most 255 bytes.
  ///   - note: for people; at most 255 bytes.
  ///   - deadline: how long to wait; nil for the configuration's.
  ///   - coalescing: whether the call may share a request with concurrent ones, see ``Configuration/Batching``.
  /// - Returns: the receipt, once the charge is on the server's disk.
  /// - Throws: ``ManaError``; with the code ``ManaError/Code/refused`` when, for example, the balance is too low.
  @discardableResult
  public func spend(
    _ account: AccountID, _ amount: Mana, for operation: Operation, quantity: Int = 0, id: TransactionID = .random(),
    settleWithin: Duration? = nil, reference: String? = nil, note: String? = nil, deadline: Duration? = nil,
    coalescing: Bool = true
  ) async throws(ManaError) -> Receipt {
    let posting = try Posting.spend(
      account, amount, for: operation, quantity: quantity, id: id, settleWithin: settleWithin, reference: reference,
      note: note)
    return try await post(posting, as: .spend, deadline: deadline, coalescing: coalescing)
  }

  /// Adds bought Mana to an account, and creates the account when this is its first credit.
  ///
  /// - Parameters:
  ///   - account: the account to credit.
  ///   - amount: what was bought, above zero.
  ///   - quantity: how many things were bought; 0 when that means nothing.
  ///   - id: the idempotency key.
  ///   - reference: such as the payment's identifier; at most 255 bytes.
  ///   - note: such as "$40 Creator Pack"; at most 255 bytes.
  ///   - deadline: how long to wait; nil for the configuration's.
  ///   - coalescing: whether the call may share a request with concurrent ones, see ``Configuration/Batching``.
  /// - Throws: ``ManaError``.
  @discardableResult
  public func purchase(
    _ account: AccountID, _ amount: Mana, quantity: Int = 0, id: TransactionID = .random(), reference: String? = nil,
    note: String? = nil, deadline: Duration? = nil, coalescing: Bool = true
  ) async throws(ManaError) -> Receipt {
    let posting = try Posting.credit(
      .purchase, account, amount, quantity: quantity, id: id, reference: reference, note: note)
    return try await post(posting, as: .purchase, deadline: deadline, coalescing: coalescing)
  }

  /// Gives Mana to an account, and creates the account when this is its first credit.
  ///
  /// - Parameters:
  ///   - account: the account to credit.
  ///   - amount: what is given, above zero.
  ///   - quantity: how many things it is for; 0 when that means nothing.
  ///   - id: the idempotency key.
  ///   - reference: such as a promotion's code; at most 255 bytes.
  ///   - note: such as "new account"; at most 255 bytes.
  ///   - deadline: how long to wait; nil for the configuration's.
  ///   - coalescing: whether the call may share a request with concurrent ones, see ``Configuration/Batching``.
  /// - Throws: ``ManaError``.
  @discardableResult
  public func bonus(
    _ account: AccountID, _ amount: Mana, quantity: Int = 0, id: TransactionID = .random(), reference: String? = nil,
    note: String? = nil, deadline: Duration? = nil, coalescing: Bool = true
  ) async throws(ManaError) -> Receipt {
    let posting = try Posting.credit(
      .bonus, account, amount, quantity: quantity, id: id, reference: reference, note: note)
    return try await post(posting, as: .bonus, deadline: deadline, coalescing: coalescing)
  }

  /// Gives back a spend, in part or as a whole.
  ///
  /// - Parameters:
  ///   - account: the account that was charged.
  ///   - spend: the id of the spend.
  ///   - amount: what to give back; nil for everything that is left of the spend.
  ///   - id: the idempotency key of the refund.
  ///   - voidIfUnknown: when the ledger has not seen the spend, make sure that it never will: a spend that arrives late
  ///     is refused as voided. This brings an account to a known state after a spend whose fate is unknown. The receipt
  ///     then has the sequence number 0.
  ///   - reference: for machines; at most 255 bytes.
  ///   - note: such as "operation failed"; at most 255 bytes.
  ///   - deadline: how long to wait; nil for the configuration's.
  ///   - coalescing: whether the call may share a request with concurrent ones, see ``Configuration/Batching``.
  /// - Throws: ``ManaError``.
  @discardableResult
  public func refund(
    _ account: AccountID, of spend: TransactionID, amount: Mana? = nil, id: TransactionID = .random(),
    voidIfUnknown: Bool = false, reference: String? = nil, note: String? = nil, deadline: Duration? = nil,
    coalescing: Bool = true
  ) async throws(ManaError) -> Receipt {
    let posting = try Posting.refund(
      account, of: spend, amount: amount, id: id, voidIfUnknown: voidIfUnknown, reference: reference, note: note)
    return try await post(posting, as: .refund, deadline: deadline, coalescing: coalescing)
  }

  /// Ends the settlement of a spend that was charged with `settleWithin`.
  ///
  /// - Parameters:
  ///   - account: the account that was charged.
  ///   - spend: the id of the spend.
  ///   - outcome: whether the operation succeeded, and what it used. Settling again with the same outcome is a replay.
  ///   - id: the id of the refund, when one follows from the outcome.
  ///   - note: the note of that refund; at most 255 bytes.
  ///   - deadline: how long to wait; nil for the configuration's.
  ///   - coalescing: whether the call may share a request with concurrent ones, see ``Configuration/Batching``.
  /// - Returns: the receipt of the refund; its sequence number is 0 when nothing is refunded.
  /// - Throws: ``ManaError``.
  @discardableResult
  public func settle(
    _ account: AccountID, _ spend: TransactionID, as outcome: SettlementOutcome, id: TransactionID = .random(),
    note: String? = nil, deadline: Duration? = nil, coalescing: Bool = true
  ) async throws(ManaError) -> Receipt {
    let posting = try Posting.settle(account, spend, as: outcome, id: id, note: note)
    return try await post(posting, as: .settle, deadline: deadline, coalescing: coalescing)
  }

  private func post(
    _ posting: Posting, as opcode: Opcode, deadline: Duration?, coalescing: Bool
  ) async throws(ManaError) -> Receipt {
    let (result, followsUnknown) = try await post(posting, as: opcode, deadline: deadline, isShared: coalescing)
    let outcome: BatchResults.Element
    do throws(ProtocolError) {
      let item = posting.item
      outcome = try BatchResults.outcome(result, id: item.id, account: item.account, amount: item.amount)
    } catch {
      throw ManaError(malformed: error, transactionID: TransactionID(posting.item.id))
    }
    switch outcome {
    case .success(let receipt): return receipt
    case .failure(let refusal):
      let error = ManaError(refusal)
      throw followsUnknown ? error.followingUnknown : error
    }
  }
}
