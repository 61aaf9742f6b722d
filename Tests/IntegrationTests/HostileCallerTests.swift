import Foundation
import ManaProtocol
import Testing

/// Callers that do what no client does, on purpose or because they are broken. The memory of the server stays bounded,
/// and everyone else is served.
@Suite(.serialized) struct HostileCallerTests {
  /// What the connections of these servers may hold together, in bytes.
  private static let memoryBytes = 16 << 20
  /// What the server may grow by in bytes while callers try to make it hold far more: what it may hold, as much again
  /// within a turn, the buffers that it keeps for reuse, and what the allocator makes of it.
  private static let growthBytesMax = 96 << 20

  /// A server with little memory for its connections, and a well-behaved caller of it.
  private final class Scene {
    let data: TemporaryDirectory
    let server: ServerProcess
    private var caller: Caller
    private var lastID: UInt128 = 1
    private let before: Int

    init() throws {
      data = try TemporaryDirectory()
      server = try ServerProcess(
        data: data, arguments: ["--connection-memory-bytes", "\(HostileCallerTests.memoryBytes)"])
      caller = try Caller(server, account: 1)
      _ = try caller.credit(1_000_000_000, id: 1)
      before = try Self.residentBytes(of: server)
    }

    /// A charge on the connection that was there first, and one on a new connection.
    func expectService(_ location: SourceLocation = #_sourceLocation) throws {
      var newcomer = try Caller(server, account: 1)
      for _ in 0..<2 {
        lastID += 1
        #expect(try caller.post([caller.spend(id: lastID)]).first?.status == .ok, sourceLocation: location)
        lastID += 1
        #expect(try newcomer.post([newcomer.spend(id: lastID)]).first?.status == .ok, sourceLocation: location)
      }
    }

    /// Bytes of memory that came in since the beginning.
    func growth() throws -> Int { try Self.residentBytes(of: server) - before }

    private static func residentBytes(of server: ServerProcess) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(server.processIdentifier)/status", encoding: .utf8)
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
      return try #require(Int(line.split(separator: " ")[1])) << 10
    }
  }

  /// The header of a frame of `length` bytes, with the checksum that belongs to it.
  private func header(_ opcode: Opcode, length: UInt32) -> [UInt8] {
    var bytes = frame(opcode, correlation: 1, body: [])
    bytes.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: length.littleEndian, as: UInt32.self)
      let checksum = crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<28]))
      bytes.storeBytes(of: checksum.littleEndian, toByteOffset: 28, as: UInt32.self)
    }
    return bytes
  }

  @Test func thousandsOfIdleConnections() throws {
    let scene = try Scene()
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let count = min(8_000, Int(clamping: limit.rlim_cur) - 500)
    try #require(count >= 500, "this machine allows a process too few descriptors")
    var idle: [RawConnection] = []
    for _ in 0..<count {
      idle.append(try RawConnection(port: scene.server.port))
      try idle[idle.count - 1].shakeHands()
    }
    try scene.expectService()
    // The promise is 4 KiB for each; the rest is what the allocator and the process itself take.
    let growth = try scene.growth()
    #expect(growth < count * 8_192, "\(growth) bytes for \(count) connections")
    for connection in idle { try connection.send(frame(.ping, correlation: 9, body: [])) }
    for connection in idle { #expect(try connection.receiveFrame().header.correlation == 9) }
  }

  /// 300 frames of a megabyte, each a little short of its end: what is past the limit is closed and told why.
  @Test func halfSentFrames() throws {
    let scene = try Scene()
    let most = [UInt8](repeating: 7, count: 900_000)
    var callers: [RawConnection] = []
    var refused = 0
    for _ in 0..<300 {
      let connection = try RawConnection(port: scene.server.port)
      try connection.shakeHands()
      callers.append(connection)
      do {
        try connection.send(header(.post, length: 1 << 20) + most)
      } catch is RawConnection.Closed {
        // Closed while it was sending, perhaps.
      }
    }
    try scene.expectService()
    let growth = try scene.growth()
    try #require(growth < Self.growthBytesMax, "\(growth) bytes")
    // 16 MiB hold fifteen such frames.
    for connection in callers.prefix(250) {
      guard let (header, _) = try? connection.receiveFrame() else { continue }  // Reset: the reason is lost with it.
      #expect(header.opcode == Opcode.goAway.rawValue && header.status == Status.overloaded.rawValue)
      #expect(header.flags == [.notExecuted, .retryable])
      refused += 1
    }
    #expect(refused > 0, "nobody was told why")
  }

  /// Announced, and not sent: no memory is taken because a caller asks for it.
  @Test func frameLengthsThatAreNeverSent() throws {
    let scene = try Scene()
    for length: UInt32 in [0xFFFF_FFF8, 0x8000_0000, (1 << 20) + 8] {
      let connection = try RawConnection(port: scene.server.port)
      try connection.shakeHands()
      try connection.send(header(.post, length: length))
      let (answer, _) = try connection.receiveFrame()
      #expect(answer.opcode == Opcode.goAway.rawValue && answer.status == Status.frameTooLarge.rawValue)
      let stranger = try RawConnection(port: scene.server.port)
      try stranger.send(FrameHeader.preface + header(.hello, length: length))
      #expect(try stranger.receive(8) == FrameHeader.preface)
      #expect(try stranger.receiveFrame().header.status == Status.frameTooLarge.rawValue)
    }
    var announcing: [RawConnection] = []
    for _ in 0..<1_000 {
      let connection = try RawConnection(port: scene.server.port)
      try connection.shakeHands()
      announcing.append(connection)
      // Whoever was closed for holding a buffer of a megabyte is not able to send any more.
      do { try connection.send(header(.post, length: 1 << 20) + [1, 2, 3]) } catch is RawConnection.Closed {}
    }
    try scene.expectService()
    let growth = try scene.growth()
    #expect(growth < Self.growthBytesMax, "\(growth) bytes")
  }

  /// A hello of more than 4 KiB is refused before it is read.
  @Test func aHelloThatIsTooLong() throws {
    let scene = try Scene()
    let stranger = try RawConnection(port: scene.server.port)
    try stranger.send(FrameHeader.preface + header(.hello, length: 4_104))
    #expect(try stranger.receive(8) == FrameHeader.preface)
    #expect(try stranger.receiveFrame().header.status == Status.frameTooLarge.rawValue)
    try scene.expectService()
  }

  /// A frame that comes byte by byte is a frame; what it costs is its bytes.
  @Test func aByteAtATime() throws {
    let scene = try Scene()
    let request = frame(.ping, correlation: 5, body: [UInt8](repeating: 1, count: 64))
    var slow: [RawConnection] = []
    for _ in 0..<200 {
      slow.append(try RawConnection(port: scene.server.port))
      try slow[slow.count - 1].shakeHands()
    }
    for byte in request.dropLast() {
      for connection in slow { try connection.send([byte]) }
    }
    try scene.expectService()
    for connection in slow {
      try connection.send([request[request.count - 1]])
      #expect(try connection.receiveFrame().header.correlation == 5)
    }
    let growth = try scene.growth()
    #expect(growth < Self.growthBytesMax, "\(growth) bytes")
  }

  @Test func halfClosedSockets() throws {
    let scene = try Scene()
    var halves: [RawConnection] = []
    for index in 0..<600 {
      let connection = try RawConnection(port: scene.server.port)
      if index % 3 > 0 { try connection.shakeHands() }
      if index % 3 > 1 { try connection.send(header(.post, length: 1 << 20) + [1, 2, 3]) }
      connection.finishSending()
      halves.append(connection)
    }
    // The server answers no further and closes its side.
    for connection in halves { _ = connection.receiveToEnd() }
    try scene.expectService()
    let growth = try scene.growth()
    #expect(growth < Self.growthBytesMax, "\(growth) bytes")
  }

  /// 200 callers ask for pages of half a megabyte, 16 each, and read none: 8 MiB each would be 1.6 GB.
  @Test func readersThatNeverRead() throws {
    let scene = try Scene()
    var author = try Caller(scene.server, account: 2)
    let note = String(repeating: "n", count: 255)
    let items = (0..<1_000).map { index in
      Item(
        id: UInt128(index + 1), account: 2, amount: 1, type: .bonus, operation: .bonus, referenceBytes: 255,
        noteBytes: 255)
    }
    let results = try author.post(items, texts: items.flatMap { _ in [note, note] }, flags: [])
    #expect(results.allSatisfy { $0.status == .ok })
    var query = [UInt8](repeating: 0, count: HistoryQuery.fixedBytes)
    query.withUnsafeMutableBytes {
      HistoryQuery(account: 2, limit: 1_000).store(to: $0.baseAddress!, referenceBytes: 0)
    }
    let requests = (0..<16).flatMap { frame(.listTransactions, correlation: $0, body: query) }
    var readers: [RawConnection] = []
    for _ in 0..<200 {
      let connection = try RawConnection(port: scene.server.port)
      try connection.shakeHands()
      readers.append(connection)
      do { try connection.send(requests) } catch is RawConnection.Closed {}
    }
    for _ in 0..<10 { try scene.expectService() }
    let growth = try scene.growth()
    #expect(growth < Self.growthBytesMax, "\(growth) bytes")
  }

  /// Connections that shake hands, or half of it, or none, and go.
  @Test func aFloodOfHandshakes() throws {
    let scene = try Scene()
    let hello =
      FrameHeader.preface + frame(.hello, correlation: 0, body: Hello(instance: 1, clientName: "flood").encoded)
    for index in 0..<3_000 {
      let connection = try RawConnection(port: scene.server.port)
      try connection.send(Array(hello.prefix([hello.count, 8, 3, 0][index % 4])))
      if index % 500 == 0 { try scene.expectService() }
    }
    try scene.expectService()
    let growth = try scene.growth()
    #expect(growth < Self.growthBytesMax, "\(growth) bytes")
  }
}
