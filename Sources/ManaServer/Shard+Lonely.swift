import ManaEventLoop

// A caller that asks for one thing at a time, while nobody else asks for anything, waits for two threads to wake each
// other on top of the disk. Then the loop has nothing better to do than to write the block itself.

extension Shard {
  /// Before the sessions of a turn are executed: counts the turns in a row that were one caller's alone.
  func noteCallers() {
    guard let first = inTurn.first else { return }
    if inTurn.count == 1, first.connection.id == lonelyConnection {
      lonelyTurns += 1
    } else {
      lonelyConnection = first.connection.id
      lonelyTurns = 0
    }
  }

  /// Whether the loop itself may write what this turn has appended: all of it is one call, of a caller that has been
  /// alone for a while, and nothing else is to be done.
  var isLonely: Bool {
    guard lonelyTurns >= ServerLimits.lonelyTurnsMin, holding.count == 1, runnable.isEmpty, heldParts.isEmpty,
      waitingParts.isEmpty, recordWaiters.isEmpty, mailbox.count == 0
    else { return false }
    return holding[0].connection.id == lonelyConnection && holding[0].requestsInFlight == 1
  }
}
