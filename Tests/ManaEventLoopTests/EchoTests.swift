import Glibc
import ManaEventLoop
import Synchronization
import Testing

@Suite("Bytes go in and out")
struct EchoTests {
  @Test("over TCP")
  func tcp() throws {
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try client.send(Array("mana".utf8))
    #expect(try client.receive(4) == Array("mana".utf8))
  }

  @Test("over a Unix socket")
  func unix() throws {
    let directory = SocketDirectory()
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen(directory.address("echo.sock")))
    try client.send(Array("mana".utf8))
    #expect(try client.receive(4) == Array("mana".utf8))
    try rig.wait("the peer is named") { $0.peers == ["unix:process \(getpid())"] }
  }

  @Test("a peer is named by its address")
  func peer() throws {
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    try client.send([1])
    #expect(try client.receive(1) == [1])
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(client.descriptor, $0, &length) }
    }
    #expect(rig.report.withLock { $0.peers } == ["127.0.0.1:\(UInt16(bigEndian: address.sin_port))"])
  }

  @Test("a byte at a time")
  func byteAtATime() throws {
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen())
    for byte in pattern(500) {
      try client.send([byte])
      #expect(try client.receive(1) == [byte])
    }
  }

  @Test("frames of a megabyte, announced by expect()", arguments: [1 << 20, (1 << 20) + (64 << 10)])
  func largeFrames(frameBytes: Int) throws {
    // A frame is its length in four bytes, then the rest; the reply is the frame.
    var behaviour = LoopRig.Behaviour()
    behaviour.serve = { connection, _ in
      while connection.input.count >= 4 {
        let length = Int(connection.input.loadUnaligned(as: UInt32.self))
        guard connection.input.count >= length else { return connection.expect(length) }
        connection.send(UnsafeRawBufferPointer(rebasing: connection.input[..<length]))
        connection.consume(length)
      }
    }
    let rig = try LoopRig(behaviour)
    defer { rig.stop() }
    let address = try rig.listen()
    var frame = pattern(frameBytes)
    frame.withUnsafeMutableBytes { $0.storeBytes(of: UInt32(frameBytes), as: UInt32.self) }
    let client = try BlockingClient(address)
    for _ in 0..<5 {
      try client.send(frame)
      // Compared outside the macro, which would print a megabyte.
      let isSame = try client.receive(frameBytes) == frame
      #expect(isSame)
    }
  }

  @Test("what a slow server leaves unread stays, up to the limit, and arrives in order")
  func unreadInputIsBounded() throws {
    var options = EventLoop.Options()
    options.inputBytesMax = 100_000
    let rig = try LoopRig(options: options)
    defer { rig.stop() }
    let address = try rig.listen()
    let total = 2 << 20
    let sender = try LoopThread(name: "sender") {
      do {
        let client = try BlockingClient(address)
        try client.send(pattern(total))
        _ = try client.receiveToEnd()
      } catch {
        Issue.record(error)
      }
    }
    var checked = 0
    var largest = 0
    while checked < total {
      let offset = checked
      let answer = rig.ask { _, desk -> (unread: Int, isSame: Bool) in
        guard let connection = desk.only, connection.input.count > 0 else { return (0, true) }
        let unread = connection.input.count
        let isSame = Array(connection.input) == pattern(unread, from: offset)
        connection.consume(unread)
        return (unread, isSame)
      }
      guard answer.isSame else {
        Issue.record("input differs after byte \(offset)")
        break
      }
      checked += answer.unread
      largest = max(largest, answer.unread)
    }
    #expect(checked == total)
    #expect(largest <= 100_000)
    rig.stop()
    sender.join()
  }

  @Test("random traffic on many connections comes back as it went", arguments: [1, 2, 3] as [UInt64])
  func randomTraffic(seed: UInt64) throws {
    // Each turn consumes a random part of what is there, so that buffers are moved, grown and shrunk in all ways.
    var behaviour = LoopRig.Behaviour()
    behaviour.serve = { connection, loop in
      var generator = SeededGenerator(seed: seed ^ loop.counters.turns &* 0x9E37)
      Self.echoPart(connection, loop, &generator)
    }
    let rig = try LoopRig(behaviour)
    defer { rig.stop() }
    let address = try rig.listen()
    let clients = try (0..<6).map { index in
      try LoopThread(name: "client") {
        do {
          try Self.converse(address, seed: seed &+ UInt64(index) &* 1000)
        } catch {
          Issue.record(error, "seed \(seed), client \(index)")
        }
      }
    }
    for client in clients { client.join() }
    try rig.wait("all ended, seed \(seed)") { $0.reasons.count == 6 }
    #expect(rig.report.withLock { $0.reasons } == Array(repeating: .peerClosed, count: 6), "seed \(seed)")
    #expect(rig.ask { loop, _ in loop.buffersTaken } == 0, "seed \(seed)")
  }

  /// Sends back a part of the input, now, and the rest in later turns.
  static func echoPart(_ connection: Connection, _ loop: EventLoop, _ generator: inout SeededGenerator) {
    guard connection.isOpen, connection.input.count > 0 else { return }
    let part = Int.random(in: 1...connection.input.count, using: &generator)
    let bytes = UnsafeRawBufferPointer(rebasing: connection.input[..<part])
    connection.send(bytes)
    connection.consume(part)
    if Int.random(in: 0..<4, using: &generator) == 0 { connection.flushOutput() }
    if Int.random(in: 0..<8, using: &generator) == 0 {
      connection.pauseReading()
      loop.after(milliseconds: 1) { connection.resumeReading() }
    }
    var next = generator
    loop.after(milliseconds: 0) { echoPart(connection, loop, &next) }
  }

  /// Sends random pieces and reads the echo of each while it lasts.
  private static func converse(_ address: ListenAddress, seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let client = try BlockingClient(address)
    var sent = 0
    for _ in 0..<40 {
      let size = 1 << Int.random(in: 0...17, using: &generator)
      let piece = pattern(Int.random(in: 1...size, using: &generator), from: sent)
      try client.send(piece)
      sent += piece.count
      if try client.receive(piece.count) != piece {
        Issue.record("the echo differs; seed \(seed), before byte \(sent)")
        return
      }
    }
  }
}
