import Foundation

/// A program of this package while it runs.
final class Example {
  private let process = Process()
  private let output = Pipe()

  init(_ name: String, _ arguments: [String]) throws {
    // On Linux the tests are a program beside the others; on Apple platforms a bundle that some other program has loaded.
    let places = ([Bundle.main] + Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") })
      .flatMap { [$0.bundleURL, $0.bundleURL.deletingLastPathComponent()] }.map { $0.appending(path: name) }
    guard let program = places.first(where: { FileManager.default.isExecutableFile(atPath: $0.path()) }) else {
      throw CocoaError(.fileNoSuchFile)
    }
    process.executableURL = program
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
  }

  deinit { if process.isRunning { kill() } }

  /// Its first line, once there is one.
  func firstLine() -> String {
    String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).split(separator: "\n").first.map(
      String.init)
      ?? ""
  }

  /// Waits for its end: its exit status, negative for a signal, and what it said since it was last asked.
  func ended() -> (status: Int32, text: String) {
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let isSignal = process.terminationReason == .uncaughtSignal
    return (isSignal ? -process.terminationStatus : process.terminationStatus, text)
  }

  func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }
}
