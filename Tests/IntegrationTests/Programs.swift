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
  ///
  /// Through files and a callback, not through pipes: nothing here blocks one of the few threads that tests share.
  static func run(
    _ executable: URL, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
  ) async throws -> Outcome {
    let folder = try TemporaryDirectory()
    let files = ["input", "output", "errors"].map { folder.url.appending(path: $0) }
    for file in files { try Data((input ?? "").utf8).write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = root
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let source = try FileHandle(forReadingFrom: files[0])
    let (output, errors) = (try FileHandle(forWritingTo: files[1]), try FileHandle(forWritingTo: files[2]))
    // `Process` keeps them open for longer than it lives, and reads past its memory when it starts a program while
    // more than a thousand files are open. Files that were only handed on are closed without fail.
    defer { for file in [source, output, errors] { try? file.close() } }
    process.standardInput = source
    try output.truncate(atOffset: 0)
    try errors.truncate(atOffset: 0)
    process.standardOutput = output
    process.standardError = errors
    let status = try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Int32, any Error>) in
      process.terminationHandler = { ended.resume(returning: $0.terminationStatus) }
      do {
        try process.run()
      } catch {
        ended.resume(throwing: error)
      }
    }
    return Outcome(
      status: status, output: try String(contentsOf: files[1], encoding: .utf8),
      errors: try String(contentsOf: files[2], encoding: .utf8))
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
