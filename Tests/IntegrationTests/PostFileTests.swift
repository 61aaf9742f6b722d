import Foundation
import ManaProtocol
import Testing

/// `mana post`: a file of charges in one go, interrupted by a crash of the server, and run again.
@Suite struct PostFileTests {
  static let accounts = 100
  static let charges = 60_000

  /// Spends of 0.01 Mana with operation combination, over the accounts in turn.
  private static func writeCharges(to file: URL) throws {
    var text = "account,type,operation,amount,quantity,note,reference,id,related\n"
    for index in 0..<charges { text += "\(index % accounts + 1),spend,combination,0.01,10,,,,\n" }
    try Data(text.utf8).write(to: file)
  }

  private static func credits() -> String {
    "account,type,amount,note\n" + (1...accounts).map { "\($0),purchase,1000,opening\n" }.joined()
  }

  /// Watches from a thread of its own: other tests may keep those of the pool busy until all has been posted.
  private func killWhen(_ server: ServerProcess, account: UInt128, has transactions: UInt64) async throws {
    let (port, process) = (server.port, server.processIdentifier)
    try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
      Thread.detachNewThread {
        ended.resume(
          with: Result {
            var caller = try Caller(port: port, account: account)
            while try caller.overview().transactions < transactions { Thread.sleep(forTimeInterval: 0.002) }
            kill(process, SIGKILL)
          })
      }
    }
    server.kill()
  }

  @Test func anInterruptedFileIsAppliedOnce() async throws {
    let data = try TemporaryDirectory()
    let file = data.url.appending(path: "charges.csv")
    try Self.writeCharges(to: file)
    var server = try ServerProcess(data: data, shards: 2)
    let opened = try await Programs.mana(["post", "-"], server: server, input: Self.credits())
    try #require(opened.status == 0, "\(opened.errors)")

    // The server dies while the file is being posted; how far it came differs from run to run.
    let (path, address) = (file.path(), server.address)
    async let interrupted = Programs.mana(["post", path], address: address)
    try await killWhen(server, account: 1, has: 20)
    let first = try await interrupted
    #expect(first.status == 69, "\(first.status): \(first.errors)")
    #expect(first.errors.contains("again"), "\(first.errors)")

    server = try ServerProcess(data: data)
    var caller = try Caller(server, account: 1)
    let survived = try caller.overview().transactions
    #expect(survived >= 20)
    for _ in 1...2 {
      let outcome = try await Programs.mana(["post", file.path(), "--json"], server: server)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let perAccount = Self.charges / Self.accounts
    for account in stride(from: 1, through: Self.accounts, by: 7) {
      let overview = try await object(Programs.mana(["account", "\(account)", "--json"], server: server).output)
      #expect(overview["transactions"] as? Int == perAccount + 1)
      #expect(overview["balance"] as? String == "\(1000 - perAccount / 100).0")
      #expect(overview["lifetimeSpent"] as? String == "\(perAccount / 100).0")
    }
  }
}
