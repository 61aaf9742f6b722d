internal import ManaProtocol
internal import NIOCore

/// See `ManaClient.Configuration.Retry` for what is repeated.
extension ManaClient {
  /// What answered a call.
  struct Answer {
    var reply: PendingCall.Reply
    /// Whether an earlier attempt got no answer, and may still be executed.
    var followsUnknown = false
  }

  /// Sends a call, again if need be, and waits for its answer.
  func answer(to call: PendingCall, _ observation: Observation) async throws(ManaError) -> Answer {
    let body = call.body
    do throws(ManaError) {
      let reply = try await attempt(call)
      retryBudget.deposit()
      return Answer(reply: reply)
    } catch {
      return try await repeated(call, body, after: error, observation)
    }
  }

  /// Repeats a call whose first attempt failed with `first`. Throws the last attempt's error, with what is known of
  /// the call after all of them.
  private func repeated(
    _ call: PendingCall, _ body: ByteBuffer?, after first: ManaError, _ observation: Observation
  ) async throws(ManaError) -> Answer {
    var (error, followsUnknown) = (first, first.execution == .unknown)
    var generator = SystemRandomNumberGenerator()
    for attempt in 1..<max(2, configuration.retry.attemptsMax) {
      guard attempt < configuration.retry.attemptsMax, error.isWorthRepeating else { break }
      let pause =
        configuration.retry.backoff.pause(attempt: attempt - 1, using: &generator) + (error.retryAfter ?? .zero)
      guard .now() + TimeAmount(bounded: pause) < call.deadline, retryBudget.withdraw() else { break }
      do {
        try await Task.sleep(for: pause)
      } catch let cancellation {
        error = call.error(
          .cancelled, .notExecuted, "cancelled before it was repeated after: \(error.message)", cause: cancellation)
        break
      }
      observation.repeats(attempt: attempt + 1, after: error)
      do throws(ManaError) {
        let reply = try await self.attempt(PendingCall(repeating: call, body))
        retryBudget.deposit()
        return Answer(reply: reply, followsUnknown: followsUnknown)
      } catch let next {
        error = next
        followsUnknown = followsUnknown || next.execution == .unknown
      }
    }
    throw followsUnknown ? error.followingUnknown : error
  }

  /// One attempt: a message to the event loop and back. Cancelling the task ends this call alone.
  private func attempt(_ call: PendingCall) async throws(ManaError) -> PendingCall.Reply {
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { dispatcher.post(.submit(call, $0)) }
    } onCancel: {
      dispatcher.post(.cancel(call))
    }
    let reply = try result.get()
    // In a request that is executed in parts, a call can meet alone what otherwise meets whole requests.
    if case .item(let item) = reply, item.status.isRetryable {
      throw call.error(.requestRefused, .notExecuted, Refusal.sentence(for: item.status), status: item.status)
    }
    return reply
  }
}

extension ManaError {
  /// Whether the same call may succeed when it is repeated at once, or when the server says.
  fileprivate var isWorthRepeating: Bool {
    // A full queue of the client's own, a passed deadline and a lost connection that is not coming back are told the
    // caller: trying again here would only hide them.
    status.map(\.isRetryable) ?? (code == .connectionLost)
  }

  /// This error of a call of which an earlier attempt got no answer: that attempt may still be executed, unless the
  /// ledger's refusal holds for good.
  var followingUnknown: ManaError {
    guard execution == .notExecuted, status?.isFinal != true else { return self }
    return ManaError(self) {
      $0.execution = .unknown
      $0.message += "; an earlier attempt got no answer"
    }
  }
}

extension Status {
  /// Whether a transaction with this status is refused whenever it comes: for what it says of itself, or because its
  /// id is taken for ever.
  fileprivate var isFinal: Bool { Status.unknownType.rawValue...Status.voided.rawValue ~= rawValue }
}

extension PendingCall {
  /// The same call with the same deadline, to be submitted again. An ended call has its body no longer.
  convenience init(repeating call: PendingCall, _ body: ByteBuffer?) {
    self.init(
      call.opcode, body, posting: call.posting, members: [], timeout: call.timeout, created: call.created,
      transactionID: call.transactionID, trace: call.trace)
  }
}
