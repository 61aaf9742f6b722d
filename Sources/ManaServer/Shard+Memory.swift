import Logging
import ManaEventLoop
import ManaProtocol

/// The limit on what all connections of a shard hold in memory together: half-sent frames and replies that nobody reads.
/// The limits of each connection by itself would let ten thousand of them hold a hundred gigabytes.
extension Shard {
  /// Bytes of the buffers and held replies of all connections, those that this turn gives back included. O(1).
  var memoryBytes: Int { loop.bufferBytes + heldBytes }

  /// Takes note of what a session's held replies take now.
  func countHeld(of session: Session) {
    // Whoever is closing was counted and is taken off at its end.
    guard session.stage != .closing else { return }
    let bytes = session.held.storageBytes
    heldBytes += bytes - session.heldBytesCounted
    session.heldBytesCounted = bytes
  }

  /// Past the limit, closes the connections that hold the most until the rest is well below it. O(1) below it, else
  /// O(n log n) in the connections.
  func boundMemory() {
    guard memoryBytes > memoryBytesMax else { return }
    var holders: [(session: Session, bytes: Int)] = []
    var total = 0
    for session in sessions.values where session.stage != .closing {
      session.connection.flushOutput()
      session.held.shrink()
      countHeld(of: session)
      let bytes = session.memoryBytes
      if bytes > 0 { holders.append((session, bytes)) }
      total += bytes
    }
    guard total > memoryBytesMax else { return }
    // Of those that hold the same, the oldest first: it has had the longest time to finish.
    holders.sort { ($1.bytes, $0.session.connection.id) < ($0.bytes, $1.session.connection.id) }
    logger.warning(
      "connections hold too much memory; closing those that hold the most",
      metadata: [
        "bytes": .number(total), "limit": .number(memoryBytesMax), "connections": .number(holders.count),
      ])
    let target = ServerLimits.connectionMemoryBytesAfter(memoryBytesMax)
    for holder in holders {
      if total <= target { break }
      total -= holder.bytes
      closeForMemory(holder.session, holder.bytes)
    }
  }

  private func closeForMemory(_ session: Session, _ bytes: Int) {
    // Behind replies that are not read, an explanation would not be read either, and would keep them in memory.
    if session.connection.outputBacklog == 0 {
      refuseConnection(
        session,
        ProtocolError(
          .overloaded, "connections hold more memory than this server gives them, and this one \(bytes) bytes of it"))
      session.connection.flushOutput()
    }
    session.stage = .closing
    if session.connection.outputBacklog > 0 { session.connection.close(afterFlushing: false) }
  }
}
