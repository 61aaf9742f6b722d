import ManaClient
import NIOCore
import NIOPosix
import Synchronization

/// Stands between a client and a server, and cuts every connection again and again, in the middle of whatever passes.
final class CuttingProxy: Sendable {
  let port: Int
  private let channel: any Channel
  private let open: Connections

  /// Connections that were cut so far.
  var cuts: Int { open.cuts }

  private init(channel: any Channel, open: Connections) {
    (self.channel, self.open) = (channel, open)
    port = channel.localAddress?.port ?? 0
  }

  /// Runs a proxy in front of `server`, which cuts all connections every `interval`, for the length of `body`.
  static func with(
    server: ManaAddress, cuttingEvery interval: Duration, _ body: (CuttingProxy) async throws -> Void
  ) async throws {
    let open = Connections()
    // A thread of its own: what is measured has the client's.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel = try await ServerBootstrap(group: group)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { client in
        connect(to: server, on: client.eventLoop).flatMapThrowing { server in
          try client.pipeline.syncOperations.addHandler(Passer(to: server))
          try server.pipeline.syncOperations.addHandler(Passer(to: client))
          open.add(client)
          for side in [client, server] { _ = side.setOption(.autoRead, value: true) }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let proxy = CuttingProxy(channel: channel, open: open)
    let pause = TimeAmount.nanoseconds(Int64(interval / .nanoseconds(1)))
    let cutting = channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in open.cutAll() }
    let result: Result<Void, any Error>
    do { result = .success(try await body(proxy)) } catch { result = .failure(error) }
    cutting.cancel()
    try await channel.close()
    try await group.shutdownGracefully()
    try result.get()
  }

  private static func connect(to server: ManaAddress, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
    let bootstrap = ClientBootstrap(group: eventLoop).channelOption(.autoRead, value: false)
    return switch server {
    case .hostPort(let host, let port): bootstrap.connect(host: host, port: port)
    case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
    }
  }

  private final class Connections: Sendable {
    private let state = Mutex((channels: [any Channel](), cuts: 0))

    var cuts: Int { state.withLock { $0.cuts } }

    func add(_ channel: any Channel) { state.withLock { $0.channels.append(channel) } }

    func cutAll() {
      let channels = state.withLock { state in
        let channels = state.channels
        state.channels = []
        state.cuts += channels.count { $0.isActive }
        return channels
      }
      for channel in channels { channel.close(promise: nil) }
    }
  }
}

/// Passes on what one side sends, and closes the other side when this one ends.
private final class Passer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let other: any Channel

  init(to other: any Channel) { self.other = other }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    other.write(unwrapInboundIn(data), promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { other.flush() }

  func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
