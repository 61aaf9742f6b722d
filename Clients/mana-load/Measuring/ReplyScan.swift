import ManaProtocol

/// What the results of one reply add up to.
struct ReplyScan: Equatable {
  var accepted = 0
  var replayed = 0

  /// Reads every result of a reply to `request` and counts the refusals into `refusals`, by status code.
  ///
  /// `each` is given each item and its result's place, in order. Throws when the reply does not fit the request or itself.
  /// Linear, no allocation.
  @inline(__always)
  static func read(
    _ request: RequestView, _ reply: ReplyView, refusals: inout [UInt64],
    each: (_ item: ItemView, _ result: UnsafeRawPointer) -> Void
  ) throws(LoadError) -> ReplyScan {
    guard let items = request.body.baseAddress.map({ $0 + BatchView.preludeBytes }) else { return ReplyScan() }
    let view: BatchReplyView
    do throws(ProtocolError) {
      view = try BatchReplyView(reading: reply.body)
    } catch {
      throw .protocolViolation("The server sent results that the protocol does not allow: \(error)")
    }
    let count = (request.body.count - BatchView.preludeBytes) / Item.bytes
    guard view.count == count else {
      throw .protocolViolation("The server sent \(view.count) results for \(count) transactions.")
    }
    var scan = ReplyScan()
    for index in 0..<count {
      let result = view.results + index * view.stride
      let status = Int(result.u16(0))
      if status == 0 {
        if result.u8(2) & ItemResult.replayedBit == 0 { scan.accepted += 1 } else { scan.replayed += 1 }
      } else {
        guard status < refusals.count else {
          throw .protocolViolation("The server gave a transaction the status \(status), which is none of an item's.")
        }
        refusals[status] += 1
      }
      each(ItemView(items + index * Item.bytes), result)
    }
    guard view.postedCount == scan.accepted, view.replayedCount == scan.replayed else {
      throw .protocolViolation(
        "The server counts \(view.postedCount) posted and \(view.replayedCount) replayed transactions in a reply that "
          + "has \(scan.accepted) and \(scan.replayed).")
    }
    return scan
  }
}
