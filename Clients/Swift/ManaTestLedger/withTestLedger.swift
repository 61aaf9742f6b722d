internal import Foundation

/// Runs `body` against a real server with an empty ledger of its own, and removes both afterwards.
///
/// The server listens on a free port of loopback, and its ledger is in a temporary directory. When `body` throws, the
/// server's log goes to standard error before the error is thrown on.
///
/// ```swift
/// @Test func chargesForAnImage() async throws {
///   try await withTestLedger { ledger in
///     try await withManaClient(address: ledger.address) { client in
///       try await client.bonus(42, 10)
///       let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration)
///       #expect(receipt.balanceAfter == Mana("8.5")!)
///     }
///   }
/// }
/// ```
///
/// - Parameters:
///   - shards: threads of the server, each with a part of the accounts.
///   - arguments: further arguments of `mana-server`, as its `--help` lists them.
///   - program: the path of `mana-server`; nil to look for it where ``TestLedger/programPath(named:)`` says.
///   - body: is given the running ledger.
/// - Throws: ``TestLedgerError`` when there is no server to start or it does not start, and what `body` throws.
public func withTestLedger<Value>(
  shards: Int = 1, arguments: [String] = [], program: String? = nil, isolation: isolated (any Actor)? = #isolation,
  _ body: (TestLedger) async throws -> Value
) async throws -> Value {
  let ledger = try await TestLedger(shards: shards, arguments: arguments, program: program)
  let result: Result<Value, any Error>
  do {
    result = .success(try await body(ledger))
  } catch {
    FileHandle.standardError.write(Data("The log of the test's server:\n\(ledger.log)\n".utf8))
    result = .failure(error)
  }
  try await ledger.remove()
  return try result.get()
}
