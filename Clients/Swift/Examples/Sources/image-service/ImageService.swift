import Foundation
import ManaClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// Generates images over HTTP, and charges for them.
///
/// Usage: image-service ADDRESS PORT [SETTLEMENT-SECONDS]
///
/// `POST /images` with the header `account` generates an image for that account from the prompt in the body.
@main struct ImageService {
  typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard (3...4).contains(arguments.count), let address = ManaAddress(arguments[1]), let port = Int(arguments[2]),
      let seconds = arguments.count == 4 ? Int(arguments[3]) : 300
    else { fatalError("usage: image-service ADDRESS PORT [SETTLEMENT-SECONDS]") }
    // One client for the whole service: its calls share connections, and concurrent ones share requests.
    try await withManaClient(address: address) { client in
      let studio = Studio(client: client, settlesWithin: .seconds(seconds))
      let server = try await listen(port: port)
      print("listening on \(server.channel.localAddress?.port ?? port)")
      // Where the output is no terminal it would wait for more of it.
      fflush(nil)
      try await server.executeThenClose { connections in
        try await withThrowingDiscardingTaskGroup { group in
          for try await connection in connections { group.addTask { await serve(connection, studio) } }
        }
      }
    }
  }

  static func listen(port: Int) async throws -> NIOAsyncChannel<Connection, Never> {
    try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          return try Connection(wrappingChannelSynchronously: channel)
        }
      }
  }

  /// Answers the requests of a connection, one after the other.
  static func serve(_ connection: Connection, _ studio: Studio) async {
    do {
      try await connection.executeThenClose { requests, replies in
        var head: HTTPRequestHead?
        var body = ByteBuffer()
        for try await part in requests {
          switch part {
          case .head(let next): (head, body) = (next, ByteBuffer())
          case .body(var more):
            body.writeBuffer(&more)
            guard body.readableBytes <= 4_096 else { return }
          case .end:
            guard let request = head else { return }
            let answer = await studio.answer(request, prompt: String(buffer: body))
            let text = ByteBuffer(string: answer.text + "\n")
            let headers: HTTPHeaders = ["content-length": "\(text.readableBytes)"]
            try await replies.write(
              .head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)))
            try await replies.write(.body(.byteBuffer(text)))
            try await replies.write(.end(nil))
            guard request.isKeepAlive else { return }
          }
        }
      }
    } catch {
      // The caller is gone. What it had begun is settled or refunded all the same.
      print("a connection ended: \(error)")
    }
  }
}
