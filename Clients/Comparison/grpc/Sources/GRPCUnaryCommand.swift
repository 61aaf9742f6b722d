import ArgumentParser

/// `grpc-unary`: what a unary call costs with grpc-swift-2 and nothing behind it. One process serves, another drives.
@main
struct GRPCUnaryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grpc-unary",
    abstract: "Measures unary calls of grpc-swift-2 with nothing behind them.",
    discussion: """
      Examples:
        grpc-unary serve                 (prints: grpc-unary ready on PORT)
        grpc-unary drive --port PORT --concurrent 256 --seconds 5
      """,
    subcommands: [ServeCommand.self, DriveCommand.self])
}
