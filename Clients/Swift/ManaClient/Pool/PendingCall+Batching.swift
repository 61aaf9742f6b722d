internal import ManaProtocol
internal import NIOCore

/// One request in the place of several single calls.
extension PendingCall {
  /// Bytes of a frame that calls share when they travel together: its header and the prelude of its body.
  static let sharedBytes = FrameHeader.bytes + BatchView.preludeBytes

  /// The request that carries `members`, each of which posts one item: a `post`, or the single call itself when it is
  /// alone. It lives until the last of them expires, and carries the trace of the first that has one.
  convenience init(carrying members: [PendingCall]) {
    precondition(!members.isEmpty, "a request carries at least one call")
    var chunk = BatchChunk(capacity: members.count)
    for member in members {
      guard let posting = member.posting else { preconditionFailure("only postings travel together") }
      chunk.append(posting)
    }
    let isAlone = members.count == 1
    let last = members.max { $0.deadline < $1.deadline } ?? members[0]
    self.init(
      isAlone ? members[0].opcode : .post, chunk.body(atomic: false), posting: nil, members: members,
      timeout: last.timeout, created: last.created, transactionID: isAlone ? members[0].transactionID : nil,
      trace: members.lazy.compactMap(\.trace).first)
  }

  /// Gives each member its share of the answer.
  func endMembers(_ result: Result<Reply, ManaError>) {
    do throws(ManaError) {
      guard case .body(let reply) = try result.get() else { preconditionFailure("a request is answered as a whole") }
      do throws(ProtocolError) {
        for (member, result) in zip(members, try Self.results(in: reply, count: members.count)) {
          member.end(.success(.item(result)))
        }
      } catch {
        throw ManaError(malformed: error)
      }
    } catch {
      for member in members { member.end(.failure(ManaError(error) { $0.transactionID = member.transactionID })) }
    }
  }

  /// The results of a posting's reply. Throws `malformedBody` when it is no reply to a request of `count` items.
  static func results(in reply: ByteBuffer, count: Int) throws(ProtocolError) -> [ItemResult] {
    try reply.decoded { (bytes) throws(ProtocolError) in
      let view = try BatchReplyView(reading: bytes)
      guard view.count == count, view.stride == ItemResult.fullBytes, let base = bytes.baseAddress else {
        throw ProtocolError(
          .malformedBody, "\(view.count) results of \(view.stride) bytes to a request of \(count) items")
      }
      var results: [ItemResult] = []
      results.reserveCapacity(count)
      for index in 0..<count {
        let place = base + BatchReplyView.preludeBytes + index * view.stride
        guard let result = ItemResult(reading: place, stride: view.stride) else {
          throw ProtocolError(
            .malformedBody, "result \(index) has a status or a flag outside version 1", detail: index)
        }
        results.append(result)
      }
      let replayed = results.count { $0.status == .ok && $0.replayed }
      guard view.replayedCount == replayed, view.postedCount == results.count(where: { $0.status == .ok }) - replayed
      else { throw ProtocolError(.malformedBody, "the counts of the reply do not add up") }
      return results
    }
  }
}
