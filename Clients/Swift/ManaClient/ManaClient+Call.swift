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
    let call = PendingCall(opcode, body, timeout: timeout, transactionID: transactionID)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { dispatcher.post(.submit(call, $0)) }
    } onCancel: {
      dispatcher.post(.cancel(call))
    }
    return try result.get()
  }
}
