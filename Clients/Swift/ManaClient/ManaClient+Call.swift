internal import ManaProtocol
internal import NIOCore

extension ManaClient {
  /// Sends a request and waits for the body of its reply. One hop to the event loop, shared with whatever calls are
  /// submitted in the same moment.
  ///
  /// Throws whatever goes wrong, a reply with a status other than `ok` included. Cancelling the task ends this call
  /// alone.
  func call(
    _ opcode: Opcode, _ body: ByteBuffer, deadline: Duration?, transactionID: TransactionID?
  ) async throws(ManaError) -> ByteBuffer {
    let timeout = deadline ?? configuration.deadline
    let observation = observe(opcode)
    let call = PendingCall(
      opcode, body, timeout: timeout, created: observation.began, transactionID: transactionID, trace: observation.trace
    )
    do throws(ManaError) {
      guard case .body(let reply) = try await answer(to: call, observation).reply else {
        preconditionFailure("a request of its own is answered by a reply of its own")
      }
      observation.ended()
      return reply
    } catch {
      observation.ended(error)
      throw error
    }
  }

  /// Posts one item, in a request that concurrent calls may share or in one of its own, and waits for its result.
  /// Errors and cancellation are the same either way.
  ///
  /// - Returns: the result, and whether an earlier attempt got no answer and may still be executed.
  func post(
    _ posting: Posting, as opcode: Opcode, deadline: Duration?, isShared: Bool
  ) async throws(ManaError) -> (result: ItemResult, followsUnknown: Bool) {
    let observation = observe(opcode)
    do throws(ManaError) {
      let answer = try await answer(
        to: posting, as: opcode, timeout: deadline ?? configuration.deadline, isShared: isShared, observation)
      observation.ended(answer.result.status)
      return answer
    } catch {
      observation.ended(error)
      throw error
    }
  }

  private func answer(
    to posting: Posting, as opcode: Opcode, timeout: Duration, isShared: Bool, _ observation: Observation
  ) async throws(ManaError) -> (result: ItemResult, followsUnknown: Bool) {
    let (created, trace) = (observation.began, observation.trace)
    guard isShared else {
      let id = TransactionID(posting.item.id)
      let body = BatchChunk(posting).body(atomic: false)
      let call = PendingCall(opcode, body, timeout: timeout, created: created, transactionID: id, trace: trace)
      let answer = try await answer(to: call, observation)
      guard case .body(let reply) = answer.reply else {
        preconditionFailure("a request of its own is answered by a reply of its own")
      }
      do throws(ProtocolError) {
        return (try PendingCall.results(in: reply, count: 1)[0], answer.followsUnknown)
      } catch {
        throw ManaError(malformed: error, transactionID: id)
      }
    }
    let call = PendingCall(opcode, posting, timeout: timeout, created: created, trace: trace)
    let answer = try await answer(to: call, observation)
    guard case .item(let result) = answer.reply else {
      preconditionFailure("a shared request gives each call its result")
    }
    return (result, answer.followsUnknown)
  }
}
