public import ManaClient
internal import Foundation
internal import Synchronization

/// A real server with a ledger of its own, for the tests of programs that use one.
///
/// Made by ``withTestLedger(shards:arguments:program:isolation:_:)``, which also removes it.
public final class TestLedger: Sendable {
  /// Where the server listens. It stays the same when the server is restarted.
  public let address: ManaAddress

  private let program: String
  private let arguments: [String]
  private let folder: URL
  private let server: Mutex<ServerProcess?>

  init(shards: Int, arguments: [String], program: String?) async throws {
    self.program = try Self.programPath(named: program)
    folder = FileManager.default.temporaryDirectory.appending(path: "mana-test-ledger-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // Short segments, because a test writes little. A temporary directory is often memory, which the server refuses to
    // call a disk: a test's ledger has no need to outlive the machine.
    self.arguments =
      [
        "--data-directory", folder.appending(path: "ledger").path(), "--shards", "\(shards)",
        "--segment-bytes", "2097152", "--allow-unsuitable-file-system",
      ] + arguments
    do {
      let first = try await ServerProcess(
        program: self.program, arguments: self.arguments + ["--listen", "127.0.0.1:0"], log: Self.log(in: folder))
      address = first.address
      server = Mutex(first)
    } catch {
      try FileManager.default.removeItem(at: folder)
      throw error
    }
  }

  /// Everything that the server has logged.
  public var log: String {
    do {
      return try String(contentsOf: Self.log(in: folder), encoding: .utf8)
    } catch {
      return "the log cannot be read: \(error)"
    }
  }

  /// Ends the server at once, as a crash would: connections break, and what was acknowledged stays in the ledger. Does
  /// nothing when it has ended already.
  public func kill() async {
    let running = server.withLock { server in
      let running = server
      server = nil
      return running
    }
    await running?.kill()
  }

  /// Ends the server if it runs, and starts it again on the same ledger and the same address.
  ///
  /// - Throws: ``TestLedgerError``.
  public func restart() async throws {
    await kill()
    let next = try await ServerProcess(
      program: program, arguments: arguments + ["--listen", address.description], log: Self.log(in: folder))
    server.withLock { $0 = next }
  }

  /// Ends the server and removes the ledger.
  func remove() async throws {
    await kill()
    try FileManager.default.removeItem(at: folder)
  }

  /// The path of `mana-server`: `named`; or what the environment's `MANA_SERVER_PROGRAM` names; or the program beside the
  /// tests' own, where SwiftPM builds it for a test target that depends on the product `mana-server`.
  ///
  /// - Throws: ``TestLedgerError/programNotFound(searched:)``.
  public static func programPath(named: String? = nil) throws(TestLedgerError) -> String {
    let environment = ProcessInfo.processInfo.environment["MANA_SERVER_PROGRAM"] ?? ""
    let paths: [String]
    if let named = named ?? (environment.isEmpty ? nil : environment) {
      paths = [named]
    } else {
      // On Linux the test bundle is a program; on Apple platforms a folder that some other program has loaded.
      let bundles = [Bundle.main] + Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }
      let places = bundles.flatMap { [$0.bundleURL, $0.bundleURL.deletingLastPathComponent()] }
      paths = places.map { $0.appending(path: "mana-server").path() }
    }
    guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
      throw .programNotFound(searched: paths)
    }
    return path
  }

  private static func log(in folder: URL) -> URL { folder.appending(path: "log") }
}
