public import ManaProtocol

extension ManaClient {
  /// A charge whose operation is under way.
  public struct Charge: Sendable {
    /// The receipt of the charge.
    public let receipt: Receipt
    /// What the operation used, at first everything that was charged. The rest is refunded when the operation is done;
    /// zero refunds everything.
    public var used: Mana

    /// The id of the charge.
    public var id: TransactionID { receipt.id }
  }

  /// Charges an account for an operation, runs it, and keeps the charge only when it succeeds.
  ///
  /// ```swift
  /// let image = try await client.withSettlement(customer, 10, for: .imageGeneration) { charge in
  ///   let image = try await generate()
  ///   charge.used = image.cost
  ///   return image
  /// }
  /// ```
  ///
  /// When `body` returns, the charge is settled with what `used` says; when it throws, everything is refunded and its
  /// error is thrown on. Both happen also when the task is cancelled. When neither can be told to the server, because
  /// this process has died or there is no connection, the server refunds everything once `settleWithin` has passed. A
  /// settlement is repeated until it is answered or its deadline passes; it takes effect once.
  ///
  /// When the charge itself may or may not have been executed, it is made void, and `body` does not run.
  ///
  /// - Parameters:
  ///   - account: the account to charge.
  ///   - amount: what to charge, above zero.
  ///   - operation: what the Mana is used for.
  ///   - quantity: how many things the operation makes, for the history; 0 when it has no such number.
  ///   - id: the idempotency key of the charge.
  ///   - settleWithin: longer than `body` can take, from one second to 30 days.
  ///   - reference: for machines, such as the identifier of a job; at most 255 bytes.
  ///   - note: for people; at most 255 bytes.
  ///   - deadline: how long to wait for the charge, and again for its settlement; nil for the configuration's.
  ///   - isolation: the actor that `body` runs on.
  ///   - body: the operation. It may lower what is charged.
  /// - Returns: what `body` returns, once the charge is settled on the server's disk.
  /// - Throws: what `body` throws; or the ``ManaError`` of the charge, without running `body`, or of the settlement,
  ///   for example ``Status/settlementTimedOut`` when `body` took longer than `settleWithin`.
  public func withSettlement<Value>(
    _ account: AccountID, _ amount: Mana, for operation: Operation, quantity: Int = 0, id: TransactionID = .random(),
    settleWithin: Duration = .seconds(3_600), reference: String? = nil, note: String? = nil, deadline: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (inout Charge) async throws -> Value
  ) async throws -> Value {
    var charge: Charge
    do throws(ManaError) {
      let receipt = try await spend(
        account, amount, for: operation, quantity: quantity, id: id, settleWithin: settleWithin, reference: reference,
        note: note, deadline: deadline)
      charge = Charge(receipt: receipt, used: amount)
    } catch {
      throw await voided(error, account, deadline: deadline)
    }
    let value: Value
    do {
      value = try await body(&charge)
    } catch {
      // The body's error matters more than that of the refund, which the server's timeout makes up for.
      _ = await settled(account, id, as: .failed, deadline: deadline)
      throw error
    }
    let outcome: SettlementOutcome =
      charge.used == amount ? .succeeded : charge.used == .zero ? .failed : .succeededUsing(charge.used)
    _ = try await settled(account, id, as: outcome, deadline: deadline).get()
    return value
  }

  /// Settles whether or not the caller is cancelled.
  private func settled(
    _ account: AccountID, _ spend: TransactionID, as outcome: SettlementOutcome, deadline: Duration?
  ) async -> Result<Receipt, ManaError> {
    let id = TransactionID.random()
    return await persistently(deadline: deadline) { (deadline) throws(ManaError) in
      try await self.settle(account, spend, as: outcome, id: id, deadline: deadline)
    }
  }

  /// Makes a charge void whose fate `error` leaves open, and returns the error with what is known then.
  private func voided(_ error: ManaError, _ account: AccountID, deadline: Duration?) async -> ManaError {
    guard error.execution == .unknown, let spend = error.transactionID else { return error }
    let id = TransactionID.random()
    let result = await persistently(deadline: deadline) { (deadline) throws(ManaError) in
      try await self.refund(account, of: spend, id: id, voidIfUnknown: true, deadline: deadline)
    }
    guard case .success = result else { return error }
    return ManaError(error) {
      $0.execution = .notExecuted
      $0.message += "; the charge was made void"
    }
  }

  /// Repeats a call, which has to have one effect however often it is made, until it is answered or its deadline
  /// passes. It runs in a task of its own, which the cancellation of the caller's does not reach.
  private func persistently(
    deadline: Duration?, _ call: @escaping @Sendable (Duration) async throws(ManaError) -> Receipt
  ) async -> Result<Receipt, ManaError> {
    let until = ContinuousClock.now + (deadline ?? configuration.deadline)
    let backoff = configuration.backoff
    return await Task {
      var generator = SystemRandomNumberGenerator()
      var attempt = 0
      while true {
        do throws(ManaError) {
          return .success(try await call(until - .now))
        } catch {
          let pause = max(backoff.pause(attempt: attempt, using: &generator), error.retryAfter ?? .zero)
          guard error.isRetryable, .now + pause < until else { return .failure(error) }
          attempt += 1
          do { try await Task.sleep(for: pause) } catch { preconditionFailure("nobody cancels this task") }
        }
      }
    }.value
  }
}
