import ManaEventLoop
import Synchronization
import Testing

@Suite("Output")
struct OutputTests {
  /// More than the kernel takes for a peer that does not read.
  static let floodBytes = 24 << 20

  @Test("a slow reader gets everything in order", arguments: [1 << 10, 100_000, 3 << 20])
  func slowReader(pieceBytes: Int) throws {
    var behaviour = LoopRig.Behaviour()
    let flood = pattern(Self.floodBytes)
    behaviour.serve = { connection, _ in
      connection.consume(connection.input.count)
      for offset in stride(from: 0, to: flood.count, by: pieceBytes) {
        flood[offset..<min(offset + pieceBytes, flood.count)].withUnsafeBytes { connection.send($0) }
      }
    }
    let rig = try LoopRig(behaviour)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen(), receiveBufferBytes: 8 << 10)
    try client.send([1])
    try rig.wait("the flood is committed") { $0.received == 1 }
    // A turn later it has been offered to the kernel.
    rig.perform { _, _ in }
    let backlog = rig.ask { _, desk in desk.only?.outputBacklog ?? 0 }
    #expect(0 < backlog && backlog < flood.count)
    let isSame = try client.receive(flood.count) == flood
    #expect(isSame)
    #expect(rig.ask { _, desk in desk.only?.outputBacklog } == 0)
    #expect(rig.ask { loop, _ in loop.counters.bytesSent } == UInt64(flood.count))
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0)
  }

  @Test("output committed while a backlog waits follows it")
  func backlogKeepsOrder() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen(), receiveBufferBytes: 8 << 10)
    try rig.wait("accepted") { $0.accepted.count == 1 }
    let flood = pattern(Self.floodBytes)
    for part in 0..<8 {
      let bytes = flood.count / 8
      rig.perform { _, desk in
        flood[part * bytes..<(part + 1) * bytes].withUnsafeBytes { desk.only?.send($0) }
        if part % 2 == 0 { desk.only?.flushOutput() }
      }
    }
    let isSame = try client.receive(flood.count) == flood
    #expect(isSame)
  }

  @Test("the replies of a turn are one write")
  func oneWriteATurn() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in
      for index in 0..<100 { desk.only?.send([UInt8(index)]) }
    }
    #expect(try client.receive(100) == (0..<100).map { UInt8($0) })
    #expect(rig.ask { loop, _ in loop.counters.writes } == 1)
  }

  @Test("what is reserved and not committed is not sent")
  func reservedOnly() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in
      guard let connection = desk.only else { return }
      connection.reserveOutput(10).initializeMemory(as: UInt8.self, repeating: 7, count: 10)
      connection.commitOutput(3)
      connection.reserveOutput(300_000).initializeMemory(as: UInt8.self, repeating: 8, count: 300_000)
      connection.commitOutput(0)
      connection.send([9])
      #expect(connection.outputBacklog == 4)
    }
    #expect(try client.receive(4) == [7, 7, 7, 9])
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0)
  }

  @Test("drained() comes once when a backlog has gone, and not without one")
  func drained() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen(), receiveBufferBytes: 8 << 10)
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in desk.only?.send([1, 2, 3]) }
    #expect(try client.receive(3) == [1, 2, 3])
    #expect(rig.ask { _, desk in desk.rig.report.withLock { $0.drained } } == 0)
    let flood = pattern(Self.floodBytes)
    rig.perform { _, desk in desk.only?.send(flood) }
    #expect(rig.ask { _, desk in desk.rig.report.withLock { $0.drained } } == 0)
    _ = try client.receive(flood.count)
    try rig.wait("drained") { $0.drained == 1 }
    #expect(rig.ask { _, desk in desk.rig.report.withLock { $0.drained } } == 1)
  }

  @Test("drained() comes although the turn's own flush took the backlog away")
  func drainedByTheTurnItself() throws {
    var options = EventLoop.Options()
    options.outputLowWaterBytes = 10
    let rig = try LoopRig(options: options)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try rig.wait("accepted") { $0.accepted.count == 1 }
    // A server that looks at the backlog before the flush may wait for drained(): it must not wait for ever.
    rig.perform { _, desk in desk.only?.send(pattern(1000)) }
    #expect(try client.receive(1000) == pattern(1000))
    try rig.wait("drained") { $0.drained == 1 }
  }
}

@Suite("Back-pressure")
struct BackpressureTests {
  @Test("a paused connection is not read, and goes on where it was")
  func pauseAndResume() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let address = try rig.listen()
    let client = try BlockingClient(address)
    try rig.wait("accepted") { $0.accepted.count == 1 }
    rig.perform { _, desk in desk.only?.pauseReading() }
    try client.send([1, 2, 3])
    // Another connection's bytes, sent later, are seen: so these would have been as well.
    let other = try BlockingClient(address)
    try other.send([4])
    try rig.wait("the other is read") { $0.received == 1 }
    #expect(rig.report.withLock { $0.received } == 1)
    rig.perform { _, desk in
      for connection in desk.connections.values { connection.resumeReading() }
    }
    try rig.wait("both are read") { $0.received == 2 }
    #expect(rig.ask { _, desk in desk.connections.values.map { Array($0.input) } }.contains([1, 2, 3]))
  }

  @Test("pausing keeps the input that has arrived")
  func pauseKeepsInput() throws {
    var behaviour = LoopRig.Behaviour()
    behaviour.serve = { connection, _ in connection.pauseReading() }
    let rig = try LoopRig(behaviour)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try client.send(pattern(3000))
    try rig.wait("received") { $0.received == 1 }
    #expect(rig.ask { _, desk in desk.only.map { Array($0.input.prefix(10)) } } == Array(pattern(10)))
    #expect(rig.ask { _, desk in desk.only?.isReadingPaused } == true)
  }
}

@Suite("Idle connections")
struct IdleTests {
  @Test("two thousand of them hold no buffers, dribbling ones the smallest")
  func noBuffers() throws {
    raiseDescriptorLimit()
    let rig = try LoopRig()
    defer { rig.stop() }
    let address = try rig.listen()
    var clients: [Client] = []
    for _ in 0..<2000 { clients.append(Client(connection: try BlockingClient(address))) }
    try rig.wait("all accepted") { $0.accepted.count == 2000 }
    #expect(rig.ask { loop, _ in loop.activeConnections } == 2000)
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0)
    for client in clients { try client.connection.send([1]) }
    try rig.wait("all have dribbled") { $0.received == 2000 }
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 2000)
    #expect(rig.ask { _, desk in desk.connections.values.allSatisfy { $0.inputBufferBytes == 4096 } })
    rig.perform { _, desk in
      for connection in desk.connections.values { connection.consume(1) }
    }
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0)
    // What a connection costs without its socket: the object, its state, libuv's handle.
    #expect(idleConnectionBytes <= 1024, "\(idleConnectionBytes) bytes")
  }

  @Test("a large buffer shrinks when little is left in it")
  func shrink() throws {
    var behaviour = LoopRig.Behaviour()
    behaviour.serve = { connection, _ in
      if connection.input.count >= 500_000 { connection.consume(connection.input.count - 10) }
    }
    let rig = try LoopRig(behaviour)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try client.send(pattern(500_000))
    try waitFor("the rest is small") { rig.ask { _, desk in desk.only?.input.count } == 10 }
    // In the turn after the one that consumed.
    #expect(rig.ask { _, desk in desk.only?.inputBufferBytes } == 4096)
    #expect(rig.ask { _, desk in desk.only.map { Array($0.input) } } == Array(pattern(10, from: 499_990)))
  }

  @Test("a connection that is idle for too long is closed, and says so")
  func idleTimeout() throws {
    var options = EventLoop.Options()
    options.idleTimeoutMilliseconds = 300
    let rig = try LoopRig(options: options)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    #expect(try client.receiveToEnd() == [])
    try rig.wait("closed") { $0.reasons == [.idle] }
  }

  /// A client as an element of an array, which holds no noncopyable ones.
  private final class Client {
    let connection: BlockingClient

    init(connection: consuming BlockingClient) {
      self.connection = connection
    }
  }
}
