import Foundation
import ManaClient
import ManaTestLedger
import Testing

@Suite struct ChargeCombinationsTests {
  @Test func aJobThatIsKilledIsResumedAndChargesEachLineOnce() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "charge-combinations-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "runs.csv")
    let (accounts, lines) = (10, 300_000)
    let text = (0..<lines).map { "\($0 % accounts + 1),\($0 % 3 + 1)" }.joined(separator: "\n")
    try Data(text.utf8).write(to: file)
    let progress = folder.appending(path: "runs.csv.7.progress")

    try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in
        for account in 1...accounts { try await client.purchase(AccountID(UInt128(account)), 1_000) }
        // Twice killed in the middle, once as soon as the first batch is noted; then left alone, and run once more.
        let arguments = [ledger.address.description, "7", file.path()]
        for kills in 1...2 {
          let job = try Example("charge-combinations", arguments)
          let before = try? Data(contentsOf: progress)
          while (try? Data(contentsOf: progress)) == before { try await Task.sleep(for: .milliseconds(1)) }
          job.kill()
          #expect(job.ended().status == -SIGKILL, "kill \(kills) came too late")
        }
        let last = try Example("charge-combinations", arguments).ended()
        #expect(last.status == 0 && last.text.contains("refused 0"), "\(last.text)")
        try FileManager.default.removeItem(at: progress)
        let again = try Example("charge-combinations", arguments).ended()
        #expect(again.text == "charged 0, had been charged \(lines), refused 0\n")

        for account in 1...accounts {
          let after = try await client.account(AccountID(UInt128(account)))
          let charged = (0..<lines).filter { $0 % accounts + 1 == account }.reduce(0) { $0 + $1 % 3 + 1 }
          #expect(after.transactionCount == lines / accounts + 1)
          #expect(after.balance == Mana(micromana: 1_000_000_000 - Int64(charged) * 10_000))
        }
      }
    }
  }
}
