import ManaEventLoop
import Synchronization
import Testing

@Suite("The end of a connection")
struct CloseTests {
  @Test("a peer that closes is reported once, after its last bytes")
  func peerCloses() throws {
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let address = try rig.listen()
    do {
      let client = try BlockingClient(address)
      try client.send([1])
      #expect(try client.receive(1) == [1])
    }
    try rig.wait("closed") { $0.reasons == [.peerClosed] }
    #expect(rig.ask { loop, _ in loop.activeConnections } == 0)
  }

  @Test("a peer that closes half gets the replies of the turn, then the end")
  func halfClose() throws {
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try client.send(pattern(100_000))
    client.endOutput()
    let isSame = try client.receiveToEnd() == pattern(100_000)
    #expect(isSame)
    try rig.wait("closed") { $0.reasons == [.peerClosed] }
  }

  @Test("a reset while we write is an error with its name")
  func reset() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let address = try rig.listen()
    do {
      let client = try BlockingClient(address, receiveBufferBytes: 8 << 10)
      try rig.wait("accepted") { $0.accepted.count == 1 }
      rig.perform { _, desk in desk.only?.send(pattern(OutputTests.floodBytes)) }
      client.resetOnClose()
    }
    try rig.wait("closed") { $0.reasons.count == 1 }
    let reason = rig.report.withLock { $0.reasons[0] }
    #expect([.failed(name: "ECONNRESET"), .failed(name: "EPIPE")].contains(reason))
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0)
  }

  @Test("closing after flushing delivers everything, although the peer still sends")
  func closeAfterFlushing() throws {
    var behaviour = LoopRig.Behaviour()
    behaviour.serve = { connection, _ in
      connection.consume(1)
      connection.send(pattern(OutputTests.floodBytes))
      connection.close(afterFlushing: true)
      // Committed too late, and dropped.
      connection.send([1, 2, 3])
      connection.close(afterFlushing: true)
    }
    let rig = try LoopRig(behaviour)
    defer { rig.stop() }
    let address = try rig.listen()
    do {
      let client = try BlockingClient(address, receiveBufferBytes: 8 << 10)
      try client.send(pattern(100_000))
      let isSame = try client.receiveToEnd() == pattern(OutputTests.floodBytes)
      #expect(isSame)
    }
    try rig.wait("closed") { $0.reasons == [.closedByUs] }
  }

  @Test("closing at once drops what is pending")
  func closeAtOnce() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in
      guard let connection = desk.only else { return }
      connection.send([1, 2, 3])
      connection.close(afterFlushing: false)
      connection.close(afterFlushing: false)
      #expect(!connection.isOpen)
    }
    #expect(try client.receiveToEnd() == [])
    try rig.wait("closed") { $0.reasons == [.closedByUs] }
  }

  @Test("the server names the reason of its own closing")
  func ownReason() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in desk.only?.close(afterFlushing: false, reason: .idle) }
    #expect(try client.receiveToEnd() == [])
    try rig.wait("closed") { $0.reasons == [.idle] }
  }

  @Test("a peer that never takes its output is given up")
  func flushTimeout() throws {
    var options = EventLoop.Options()
    options.flushTimeoutMilliseconds = 200
    let rig = try LoopRig(options: options)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen(), receiveBufferBytes: 8 << 10)
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in
      desk.only?.send(pattern(OutputTests.floodBytes))
      desk.only?.close(afterFlushing: true)
    }
    try rig.wait("given up") { $0.reasons == [.flushTimedOut] }
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0)
    try client.send([])
  }

  @Test("a peer that took everything and never closes is left after a while")
  func lingerTimeout() throws {
    var options = EventLoop.Options()
    options.flushTimeoutMilliseconds = 200
    let rig = try LoopRig(options: options)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in
      desk.only?.send([5])
      desk.only?.close(afterFlushing: true)
    }
    #expect(try client.receiveToEnd() == [5])
    try rig.wait("closed") { $0.reasons == [.closedByUs] }
  }

  @Test("a connection that is kept after its end does nothing, and does no harm")
  func keptAfterTheEnd() throws {
    let kept = Mutex<Kept>(Kept())
    var behaviour = LoopRig.Behaviour()
    behaviour.accepted = { connection, _ in
      let open = Kept(connection: connection)
      kept.withLock { $0 = open }
    }
    let rig = try LoopRig(behaviour)
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.stop()
    #expect(try client.receiveToEnd() == [])
    let late = kept.withLock { $0 }
    let connection = try #require(late.connection)
    #expect(!connection.isOpen)
    #expect(connection.input.isEmpty)
    connection.send(pattern(100))
    connection.send(pattern(100_000))
    connection.flushOutput()
    connection.pauseReading()
    connection.resumeReading()
    connection.close(afterFlushing: true)
    connection.close(afterFlushing: false)
    #expect(connection.outputBacklog == 0)
    #expect(connection.peer.hasPrefix("127.0.0.1:"))
  }

  /// The loop's thread has ended when the test looks at it.
  private struct Kept: @unchecked Sendable {
    var connection: Connection?
  }
}

@Suite("Stopping")
struct StopTests {
  @Test("closes each connection exactly once, busy or idle, and leaves nothing open")
  func closesEverything() throws {
    // The loop itself makes sure that libuv has no handle left, and the pool that no buffer is missing.
    let directory = SocketDirectory()
    let rig = try LoopRig()
    let address = try rig.listen()
    _ = try rig.listen(directory.address("s"))
    let idle = try BlockingClient(address)
    let busy = try BlockingClient(address, receiveBufferBytes: 8 << 10)
    let ending = try BlockingClient(directory.address("s"))
    let unread = try BlockingClient(address)
    try unread.send([1])
    try rig.wait("accepted and read") { $0.accepted.count == 4 && $0.received == 1 }
    rig.perform { loop, desk in
      loop.every(milliseconds: 1) {}
      loop.after(milliseconds: 1_000_000) {}
      for connection in desk.connections.values {
        connection.send(pattern(OutputTests.floodBytes))
        if connection.peer.hasPrefix("unix") { connection.close(afterFlushing: true) }
      }
    }
    rig.stop()
    let report = rig.report.withLock { $0 }
    #expect(report.closed.count == 4)
    #expect(report.closed.values.allSatisfy { $0 == [.closedByUs] })
    for client in [idle.descriptor, busy.descriptor, ending.descriptor, unread.descriptor] { #expect(client >= 0) }
  }

  @Test("sends what the last turn has committed")
  func lastTurn() throws {
    let rig = try LoopRig()
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { loop, desk in
      desk.only?.send([1, 2, 3])
      loop.stop()
    }
    rig.join()
    #expect(try client.receiveToEnd() == [1, 2, 3])
  }

  @Test("a connection accepted in the very iteration that stops is closed as well")
  func stopWhenAccepted() throws {
    var behaviour = LoopRig.Behaviour()
    behaviour.accepted = { _, loop in loop.stop() }
    let rig = try LoopRig(behaviour)
    let client = try BlockingClient(try rig.listen())
    rig.join()
    #expect(try client.receiveToEnd() == [])
    #expect(rig.report.withLock { $0.reasons } == [.closedByUs])
  }

  @Test("a loop that never ran closes what it opened")
  func neverRan() throws {
    let directory = SocketDirectory()
    do {
      let loop = try EventLoop()
      try loop.listen(on: directory.address("s"))
      loop.after(milliseconds: 1) { Issue.record("a timer fired in a loop that never ran") }
      let client = try BlockingClient(directory.address("s"))
      #expect(client.descriptor >= 0)
    }
    #expect(throws: BlockingClient.Failure.self) { _ = try BlockingClient(directory.address("s")).descriptor }
  }

  @Test("a delegate that starts things while the loop stops starts nothing")
  func timersWhileStopping() throws {
    var behaviour = LoopRig.Behaviour()
    behaviour.closed = { connection, loop in
      let timer = loop.after(milliseconds: 0) { Issue.record("a timer fired after stop()") }
      #expect(!timer.isActive)
      connection.close(afterFlushing: true)
      connection.send([1])
    }
    let rig = try LoopRig(behaviour)
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.stop()
    #expect(try client.receiveToEnd() == [])
  }
}
