import NIOCore
import NIOPosix
import Synchronization

/// Stands between a client and a server, and cuts the first connection at a given byte. Later connections pass.
final class CuttingProxy: Sendable {
  /// Where the first connection ends, on both sides at once.
  enum Cut: Sendable, CustomStringConvertible {
    case never
    /// Once this many bytes of the client have been passed on.
    case afterRequest(bytes: Int)
    /// Once this many bytes of the server have been passed on.
    case afterReply(bytes: Int)

    var description: String {
      switch self {
      case .never: "no cut"
      case .afterRequest(let bytes): "cut after \(bytes) bytes of the client"
      case .afterReply(let bytes): "cut after \(bytes) bytes of the server"
      }
    }
  }

  /// What was passed on over the first connection.
  struct Passed: Sendable {
    var ofClient: [UInt8] = []
    var ofServer: [UInt8] = []
  }

  let port: Int
  private let channel: any Channel
  private let record: Record

  var passed: Passed { record.passed }

  fileprivate final class Record: Sendable {
    private let state = Mutex((connections: 0, passed: Passed()))
    var passed: Passed { state.withLock { $0.passed } }
    /// Whether this is the first connection.
    func begin() -> Bool {
      state.withLock { state in
        state.connections += 1
        return state.connections == 1
      }
    }
    func note(_ change: (inout Passed) -> Void) { state.withLock { change(&$0.passed) } }
  }

  private init(channel: any Channel, record: Record) {
    (self.channel, self.record) = (channel, record)
    port = channel.localAddress!.port!
  }

  /// Runs a proxy in front of 127.0.0.1:`server` for the length of `body`.
  static func with<Value>(
    server: Int, _ cut: Cut, _ body: (CuttingProxy) async throws -> Value
  ) async throws -> Value {
    let record = Record()
    let group = MultiThreadedEventLoopGroup.singleton
    let channel = try await ServerBootstrap(group: group)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { client in
        let isFirst = record.begin()
        let limits = isFirst ? Limits(cut) : Limits(.never)
        let record = isFirst ? record : nil
        if limits.ofClient == 0 || limits.ofServer == 0 { return client.close() }
        // Both sides live on one event loop, so that a cut concerns both in the same moment.
        return ClientBootstrap(group: client.eventLoop)
          .channelOption(.autoRead, value: false)
          .connect(host: "127.0.0.1", port: server)
          .flatMapThrowing { server in
            try client.pipeline.syncOperations.addHandler(
              Passer(to: server, limit: limits.ofClient) { bytes in record?.note { $0.ofClient += bytes } })
            try server.pipeline.syncOperations.addHandler(
              Passer(to: client, limit: limits.ofServer) { bytes in record?.note { $0.ofServer += bytes } })
            for side in [client, server] { _ = side.setOption(.autoRead, value: true) }
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let proxy = CuttingProxy(channel: channel, record: record)
    let result: Result<Value, any Error>
    do { result = .success(try await body(proxy)) } catch { result = .failure(error) }
    try await channel.close()
    return try result.get()
  }

  private struct Limits {
    var ofClient: Int?
    var ofServer: Int?

    init(_ cut: Cut) {
      switch cut {
      case .never: break
      case .afterRequest(let bytes): ofClient = bytes
      case .afterReply(let bytes): ofServer = bytes
      }
    }
  }
}

/// Passes on what one side sends, up to a limit, and then closes both sides.
private final class Passer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let other: any Channel
  private var left: Int?
  private let note: ([UInt8]) -> Void

  init(to other: any Channel, limit: Int?, note: @escaping ([UInt8]) -> Void) {
    (self.other, left, self.note) = (other, limit, note)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    guard let bytes = buffer.readBytes(length: min(buffer.readableBytes, left ?? .max)), left != 0 else { return }
    note(bytes)
    other.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    guard let limit = left else { return }
    left = limit - bytes.count
    if left == 0 {
      other.close(promise: nil)
      context.close(promise: nil)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

  // A reset by either side is an end like any other here.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
