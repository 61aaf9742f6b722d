import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2

/// Answers every call at once.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serve on a free port of loopback, and name it.")

  func run() async throws {
    let server = GRPCServer(
      transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext),
      services: [ChargeService()])
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { try await server.serve() }
      guard let port = try await server.listeningAddress?.ipv4?.port else {
        throw ValidationError("the server has no address")
      }
      try writeLine("grpc-unary ready on \(port)")
    }
  }
}

/// One method with nothing behind it.
struct ChargeService: RegistrableRPCService {
  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: Charge.method, deserializer: ChargeCoding(), serializer: ChargeCoding()
    ) { request, _ in
      _ = try await ServerRequest(stream: request)
      return StreamingServerResponse(single: ServerResponse(message: Charge.reply))
    }
  }
}
