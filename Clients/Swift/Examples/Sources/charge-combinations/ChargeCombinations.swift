import Foundation
import ManaClient

/// Charges for a file of combination runs.
///
/// Usage: charge-combinations ADDRESS JOB FILE
///
/// Each line of the file is `ACCOUNT,COMBINATIONS`. The same job number and the same file charge each line once, however
/// often the program is started.
@main struct ChargeCombinations {
  /// What a combination costs: a hundredth of a Mana.
  static let price = Mana("0.01")!

  /// Lines of one batch: what fits one request of the protocol.
  static let batchLines = 8_190

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let address = ManaAddress(arguments[1]), let job = UInt64(arguments[2]), job > 0 else {
      FileHandle.standardError.write(Data("usage: charge-combinations ADDRESS JOB FILE\n".utf8))
      exit(64)
    }
    let runs = try Runs(file: URL(filePath: arguments[3]))
    let progress = Progress(file: URL(filePath: "\(arguments[3]).\(job).progress"))
    try await withManaClient(address: address) { client in
      var totals = Totals()
      var next = try progress.line
      while next < runs.count {
        let lines = next..<min(next + batchLines, runs.count)
        try await charge(lines, of: runs, job: job, client, &totals)
        next = lines.upperBound
        try progress.save(next)
      }
      print("charged \(totals.charged), had been charged \(totals.replayed), refused \(totals.refused)")
    }
  }

  /// Charges some lines in one batch, and repeats it until it is known what became of each.
  static func charge(
    _ lines: Range<Int>, of runs: Runs, job: UInt64, _ client: ManaClient, _ totals: inout Totals
  ) async throws {
    var batch = Batch()
    for line in lines {
      let run = try runs[line]
      // The id is the line's for ever: posted again, by this run or by a later one, it is not charged again.
      let id = TransactionID(UInt128(job) << 64 | UInt128(line + 1))
      let amount = Mana(micromana: price.micromana * Int64(run.combinations))
      try batch.spend(run.account, amount, for: .combination, quantity: run.combinations, id: id)
    }
    for (line, result) in zip(lines, try await persistently(client, batch)) {
      switch result {
      case .success(let receipt) where receipt.replayed: totals.replayed += 1
      case .success: totals.charged += 1
      case .failure(let refusal):
        totals.refused += 1
        print("line \(line + 1): \(refusal)")
      }
    }
  }

  /// Posts a batch. A job has time: it waits out a server that is being restarted, for which a call has a deadline.
  static func persistently(_ client: ManaClient, _ batch: borrowing Batch) async throws -> BatchResults {
    for _ in 0..<60 {
      do throws(ManaError) {
        return try await client.post(batch)
      } catch {
        guard error.isRetryable else { throw error }
        print("once more: \(error)")
        try await Task.sleep(for: error.retryAfter ?? .seconds(1))
      }
    }
    return try await client.post(batch)
  }

  struct Totals {
    var charged = 0
    var replayed = 0
    var refused = 0
  }
}
