import ManaProtocol
import ManaServer
import ManaTesting

/// What callers have been told, for a quick look after each start; the checker looks at everything once, at the end.
struct Acknowledgements {
  private struct Entry {
    let account: UInt128
    let id: UInt128
    let sequence: UInt32
    let step: Int
  }

  private var entries: [Entry] = []
  /// By shard: how many records counted as durable, and since when.
  private var durableRecords: [Int: (count: UInt64, step: Int)] = [:]

  mutating func note(_ request: SimulatedRequest, at step: Int) {
    guard case .post(let batch) = request.content, let answer = request.answers.last,
      let results = SimulatedRequest.results(in: answer)
    else { return }
    for (draft, result) in zip(batch.drafts, results)
    where result.status == .ok && result.sequence > 0 && draft.item.type != TransactionType.settlement.rawValue {
      entries.append(Entry(account: draft.item.account, id: draft.item.id, sequence: result.sequence, step: step))
    }
  }

  mutating func note(recordsOf server: SteppedServer, _ shard: Int, at step: Int) {
    let count = server.durableRecords(shard)
    if count > durableRecords[shard]?.count ?? 0 { durableRecords[shard] = (count, step) }
  }

  /// What of it a server does not have, and when the oldest of that was acknowledged.
  func missing(in server: SteppedServer) -> (message: String, step: Int)? {
    var missing: (message: String, step: Int)?
    func note(_ message: String, _ step: Int) {
      if step < missing?.step ?? .max { missing = (message, step) }
    }
    for entry in entries where server.sequence(of: entry.id, account: entry.account) != entry.sequence {
      note("\(entry.id) of account \(entry.account), number \(entry.sequence)", entry.step)
    }
    for (shard, records) in durableRecords where server.durableRecords(shard) < records.count {
      note("some of \(records.count) durable records of shard \(shard)", records.step)
    }
    return missing
  }

  var isEmpty: Bool { entries.isEmpty && durableRecords.isEmpty }
}
