import Foundation

/// Where the package's own programs are: beside the test bundle.
enum Programs {
  static let folder: URL = {
    #if os(macOS)
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }!.bundleURL.deletingLastPathComponent()
    #else
      Bundle.main.bundleURL
    #endif
  }()

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// What a program said and how it ended.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs a program to its end. `input` goes to its standard input.
  static func run(
    _ executable: URL, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
  ) async throws -> Outcome {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = root
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    let source = Pipe()
    process.standardInput = input == nil ? FileHandle.nullDevice : source
    try process.run()
    if let input {
      try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try source.fileHandleForWriting.close()
    }
    // Both pipes are read at once: a full one would stop the program.
    async let errorBytes = Task.detached { errors.fileHandleForReading.readDataToEndOfFile() }.value
    let outputBytes = await Task.detached { output.fileHandleForReading.readDataToEndOfFile() }.value
    let collected = await errorBytes
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: outputBytes, as: UTF8.self),
      errors: String(decoding: collected, as: UTF8.self))
  }

  /// Runs the command line against a server.
  static func mana(_ arguments: [String], server: ServerProcess, input: String? = nil) async throws -> Outcome {
    try await mana(arguments, address: server.address, input: input)
  }

  /// Runs the command line against the server at an address.
  static func mana(_ arguments: [String], address: String, input: String? = nil) async throws -> Outcome {
    try await run(
      folder.appending(path: "mana"), arguments,
      environment: ["MANA_SERVER": address, "NO_COLOR": "1", "TZ": "UTC"], input: input)
  }
}
