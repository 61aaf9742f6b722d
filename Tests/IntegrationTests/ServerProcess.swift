import Foundation
import Testing

/// The real server in a process of its own, on a free port.
final class ServerProcess {
  /// Why a server did not get as far as its ready line.
  struct DidNotStart: Error, CustomStringConvertible {
    let status: Int32
    let errors: String
    var description: String { "mana-server ended with status \(status): \(errors)" }
  }

  private let process = Process()
  private let errors: URL
  /// HOST:PORT, or unix:PATH.
  let address: String

  var processIdentifier: Int32 { process.processIdentifier }
  var port: UInt16 { UInt16(address.split(separator: ":").last!)! }

  /// Starts a server on `data`, or on the directory `ledger`, and waits until it is ready.
  ///
  /// - Parameters:
  ///   - environment: Variables beside those of the test.
  ///   - launcher: A program and its arguments that becomes the server, whose command line follows these.
  init(
    data: TemporaryDirectory, ledger: String? = nil, shards: Int? = nil, listen: String = "127.0.0.1:0",
    arguments: [String] = [], environment: [String: String] = [:], launcher: [String] = []
  ) throws {
    var line = [
      "--data-directory", ledger ?? data.url.appending(path: "ledger").path(), "--listen", listen,
      "--allow-unsuitable-file-system",
    ]
    if let shards { line += ["--shards", "\(shards)"] }
    // Short segments: what a test writes is little, and each is zeroed on the disk before it is used.
    if !arguments.contains("--segment-bytes") { line += ["--segment-bytes", "2097152"] }
    line += arguments
    let program = Programs.folder.appending(path: "mana-server")
    process.executableURL = launcher.first.map { URL(filePath: $0) } ?? program
    process.arguments = launcher.isEmpty ? line : launcher.dropFirst() + [program.path()] + line
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    errors = data.url.appending(path: "errors-\(UUID().uuidString)")
    try Data().write(to: errors)
    let errorOutput = try FileHandle(forWritingTo: errors)
    // The server has its own by then; `Process` would keep it. It was only handed on, and is closed without fail.
    defer { try? errorOutput.close() }
    process.standardError = errorOutput
    process.standardInput = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !text.contains("\n") {
      let bytes = output.fileHandleForReading.availableData
      if bytes.isEmpty { break }
      text += String(decoding: bytes, as: UTF8.self)
    }
    let ready = "mana-server ready on "
    guard text.hasPrefix(ready), text.hasSuffix("\n") else {
      process.waitUntilExit()
      address = ""
      throw DidNotStart(
        status: process.terminationStatus, errors: try String(contentsOf: errors, encoding: .utf8))
    }
    address = String(text.dropFirst(ready.count).dropLast())
  }

  deinit { if process.isRunning { kill() } }

  /// Ends it as a power switch would, except that the page cache survives.
  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Asks it to finish what is in flight, and waits for that. Its exit status.
  func terminate() -> Int32 {
    process.terminate()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// HOST:PORT of its metrics, as its log says.
  var metricsAddress: String {
    get throws { String(try #require(log.firstMatch(of: /serving metrics: address=([0-9.:]+)/)).1) }
  }

  /// Whether it still runs.
  var isRunning: Bool { process.isRunning }

  /// What it has said on standard error so far.
  var log: String { get throws { try String(contentsOf: errors, encoding: .utf8) } }

  /// Waits until it has ended by itself: its exit status, and what it said on standard error. Nil when it goes on.
  func ended(within seconds: Double) throws -> (status: Int32, errors: String)? {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while process.isRunning {
      if Date() > deadline { return nil }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return (process.terminationStatus, try String(contentsOf: errors, encoding: .utf8))
  }
}
