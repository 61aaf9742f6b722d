internal import ManaProtocol
internal import NIOCore

extension ManaClient {
  /// Posts a batch.
  ///
  /// A batch beyond the server's limits is sent in several requests, one after the other, so that each transaction sees
  /// the effect of those before it. When one of those requests fails, the error tells how many transactions had been
  /// answered before; post the batch again to learn what became of each.
  ///
  /// - Parameters:
  ///   - batch: what to post. It is not used up: post it again when its fate is unknown.
  ///   - atomic: all transactions or none; then they belong to one account, and fit one request.
  ///   - deadline: how long to wait for everything; nil for the configuration's.
  /// - Returns: one result a transaction. A refused transaction is a value here, not an error.
  /// - Throws: ``ManaError`` when a request as a whole failed; ``ManaError/Code/invalidArgument`` for an empty batch
  ///   and for an atomic one that does not fit one request.
  public func post(
    _ batch: borrowing Batch, atomic: Bool = false, deadline: Duration? = nil
  ) async throws(ManaError) -> BatchResults {
    guard !batch.isEmpty else {
      throw ManaError(.invalidArgument, execution: .notExecuted, message: "a batch without transactions")
    }
    let (count, chunks) = (batch.count, batch.chunks)
    let until = ContinuousClock.now + (deadline ?? configuration.deadline)
    let server = try await serverLimits(until: until)
    let frameBytesMax = server.frameBytesMax - (tracing == nil ? 0 : TraceContext.bytes)
    let requests = chunks.flatMap { $0.split(itemsMax: server.itemsMax, frameBytesMax: frameBytesMax) }
    guard !atomic || requests.count == 1 else {
      throw ManaError(
        .invalidArgument, execution: .notExecuted,
        message: "an atomic batch has to fit one request, of at most \(server.itemsMax) transactions and "
          + "\(server.frameBytesMax) bytes; this one has \(count) transactions",
        status: .batchTooLarge)
    }
    var results = BatchResults()
    for request in requests {
      do throws(ManaError) {
        metrics.posts(request.count)
        let body = request.body(atomic: atomic)
        let reply = try await call(.post, body, deadline: max(.zero, until - .now), transactionID: nil)
        do throws(ProtocolError) {
          try results.append(request, reply: reply)
        } catch {
          throw ManaError(malformed: error)
        }
      } catch {
        throw results.isEmpty ? error : error.after(results.count, of: count)
      }
    }
    return results
  }

  /// The limits of the server, for which a first connection has to be waited for.
  private func serverLimits(until: ContinuousClock.Instant) async throws(ManaError) -> ServerInformation {
    if let serverInformation { return serverInformation }
    _ = try await call(.ping, ByteBuffer(), deadline: max(.zero, until - .now), transactionID: nil)
    guard let serverInformation else { preconditionFailure("a reply comes after a welcome") }
    return serverInformation
  }
}

extension ManaError {
  /// The error of a request of a batch whose first `answered` transactions had been answered.
  fileprivate func after(_ answered: Int, of count: Int) -> ManaError {
    ManaError(self) {
      $0.execution = .unknown
      $0.message += "; of \(count) transactions the first \(answered) had been answered"
    }
  }
}
