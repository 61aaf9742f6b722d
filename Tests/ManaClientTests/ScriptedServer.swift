import ManaClient
import ManaProtocol
import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that does what a script says, so that a client meets what no proper server would do.
///
/// Each connection has its own `Script`, made by a closure that gets the connection's number: 0, 1, 2 …
final class ScriptedServer: Sendable {
  let address: ManaAddress
  private let channel: any Channel
  private let accepted: Counter

  /// Connections accepted so far.
  var connectionCount: Int { accepted.value }

  private init(channel: any Channel, accepted: Counter) {
    self.channel = channel
    self.accepted = accepted
    address = .hostPort(host: "127.0.0.1", port: channel.localAddress!.port!)
  }

  /// Runs a server for the length of `body`.
  static func with<Value>(
    _ script: @escaping @Sendable (_ connection: Int) -> any Script, _ body: (ScriptedServer) async throws -> Value
  ) async throws -> Value {
    let accepted = Counter()
    let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ScriptHandler(script(accepted.next())))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let server = ScriptedServer(channel: channel, accepted: accepted)
    let result: Result<Value, any Error>
    do { result = .success(try await body(server)) } catch { result = .failure(error) }
    try await channel.close()
    return try result.get()
  }
}

/// Counts from any thread.
final class Counter: Sendable {
  private let stored = Atomic<Int>(0)
  var value: Int { stored.load(ordering: .sequentiallyConsistent) }
  /// The number before it is counted up.
  func next() -> Int { stored.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue }
}

/// What a connection of a scripted server does. Called on the connection's event loop.
protocol Script {
  /// Something arrived; `arrived` holds everything that has not been taken.
  mutating func received(_ arrived: inout ByteBuffer) -> [Step]
}

/// What a script wants to be done.
enum Step {
  case send([UInt8])
  case close
}

private final class ScriptHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var script: any Script
  private var arrived = ByteBuffer()

  init(_ script: any Script) { self.script = script }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    arrived.writeBuffer(&buffer)
    for step in script.received(&arrived) {
      switch step {
      case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
      case .close: context.close(promise: nil)
      }
    }
  }

  // A client that closes while it is being sent something is what these tests are about.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Answers the first bytes with `bytes` and then closes, if it is told to: a server of another kind.
struct Stranger: Script {
  let bytes: [UInt8]
  var closes = true

  mutating func received(_ arrived: inout ByteBuffer) -> [Step] {
    arrived.clear()
    return (bytes.isEmpty ? [] : [.send(bytes)]) + (closes ? [.close] : [])
  }
}

/// A request as a script sees it.
struct Request: Sendable {
  let opcode: Opcode
  let correlation: UInt64
  let microseconds: UInt32
  let body: [UInt8]
  let trace: TraceContext?

  /// The items of a posting request.
  var items: [Item] {
    get throws {
      try body.withUnsafeBytes { bytes in
        let view = try BatchView(reading: bytes)
        return (0..<view.count).map { Item(reading: view[$0].base) }
      }
    }
  }

  /// The reply of a ledger that posts whatever it is asked to, and leaves a balance of 7 Mana.
  var posted: Step {
    get throws {
      let results = try items.enumerated().map { index, item in
        ItemResult(
          status: .ok, sequence: UInt32(index + 1), amount: item.amount, balance: 7_000_000, timestamp: 1,
          refundable: item.amount)
      }
      return .send(Frames.reply(to: opcode, correlation, body: Frames.results(results)))
    }
  }

  /// An empty reply, which is right for a ping.
  var empty: Step { .send(Frames.reply(to: opcode, correlation)) }
}

/// A Mana server: checks preface and hello, greets, and answers each request as `answer` says.
struct Ledger: Script {
  typealias Answer = @Sendable (Request) throws -> [Step]

  var welcome = Frames.welcome()
  let answer: Answer
  private var hasGreeted = false

  init(welcome: [UInt8] = Frames.welcome(), _ answer: @escaping Answer) {
    self.welcome = welcome
    self.answer = answer
  }

  /// Posts everything, answers pings.
  static func obliging(_ request: Request) throws -> [Step] {
    [request.opcode.isPosting ? try request.posted : request.empty]
  }

  mutating func received(_ arrived: inout ByteBuffer) -> [Step] {
    var steps: [Step] = []
    if !hasGreeted {
      guard arrived.readableBytes >= FrameHeader.preface.count else { return [] }
      precondition(arrived.readBytes(length: FrameHeader.preface.count) == FrameHeader.preface, "a client's preface")
      hasGreeted = true
      steps.append(.send(FrameHeader.preface + welcome))
    }
    do {
      while let request = try Self.next(&arrived) {
        if request.opcode != .hello { steps += try answer(request) }
      }
    } catch {
      preconditionFailure("the client broke the protocol: \(error)")
    }
    return steps
  }

  /// The next frame, checked as a server checks it.
  private static func next(_ arrived: inout ByteBuffer) throws -> Request? {
    guard arrived.readableBytes >= FrameHeader.bytes else { return nil }
    let header = try arrived.withUnsafeReadableBytes { try FrameHeader(reading: $0.baseAddress!) }
    guard arrived.readableBytes >= header.length else { return nil }
    try header.checkRequestReserved()
    let body = try arrived.withUnsafeReadableBytes { Array(try header.body(at: $0.baseAddress!)) }
    let trace = arrived.withUnsafeReadableBytes { TraceContext(in: header.extensions(at: $0.baseAddress!)) }
    arrived.moveReaderIndex(forwardBy: header.length)
    guard let opcode = Opcode(rawValue: header.opcode) else {
      throw ProtocolError(.unknownOpcode, "opcode \(header.opcode)")
    }
    if opcode == .hello { _ = try body.withUnsafeBytes { try Hello(reading: $0) } }
    return Request(
      opcode: opcode, correlation: header.correlation, microseconds: header.microseconds, body: body,
      trace: trace)
  }
}
