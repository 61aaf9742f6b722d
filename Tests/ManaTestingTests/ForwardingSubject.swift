import ManaProtocol
import ManaTesting

/// A subject that answers what another one says, for others to change one answer.
class ForwardingSubject: LedgerSubject {
  var ledger: MemoryLedger

  init() { ledger = MemoryLedger(tableSeed: 3) }

  func post(_ batch: ItemBatch, now: UInt64) -> PostAnswer { ledger.post(batch, now: now) }
  func expire(now: UInt64, limit: Int) -> Int { ledger.expire(now: now, limit: limit) }
  var nextDeadline: UInt64? { ledger.nextDeadline }
  func overview(of account: UInt128) -> AccountOverview? { ledger.overview(of: account) }
  func list(_ question: HistoryQuestion, capacity: Int) -> Answer { ledger.list(question, capacity: capacity) }
  func listUnsettled(account: UInt128, start: UInt64, limit: Int, capacity: Int) -> Answer {
    ledger.listUnsettled(account: account, start: start, limit: limit, capacity: capacity)
  }
  func lookup(account: UInt128, id: UInt128) -> Answer { ledger.lookup(account: account, id: id) }
  func balance(of account: UInt128, at time: UInt64) -> BalanceAt? { ledger.balance(of: account, at: time) }
  var accountCount: Int { ledger.accountCount }
  var transactionCount: Int { ledger.transactionCount }
  var lastTimestamp: UInt64 { ledger.lastTimestamp }
  var digest: UInt64 { ledger.digest }
  func restart() throws { try ledger.restart() }
  func checkInvariants() { ledger.checkInvariants() }
}

/// Acknowledges a batch as it should, and then goes on as if it had been another one: a spend that was lost, doubled or
/// charged at another price.
final class UnfaithfulLedger: ForwardingSubject {
  enum Fault: CaseIterable {
    case lost, doubled, overcharged, otherOperation, otherQuantity, otherNote, otherAccount, timeoutForgotten
  }

  private let fault: Fault
  private var isPlanted = false
  /// Gets what is posted, but for the error.
  private let shadow = MemoryLedger(tableSeed: 4)

  init(_ fault: Fault) { self.fault = fault }

  override func post(_ batch: ItemBatch, now: UInt64) -> PostAnswer {
    let answer = ledger.post(batch, now: now)
    guard !isPlanted else { return answer }
    var changed = batch
    if let index = acceptedSpend(batch, answer), ledger.transactionCount > 50, plant(in: &changed, index) {
      isPlanted = true
      _ = shadow.post(changed, now: now)
      ledger = shadow
    } else {
      _ = shadow.post(batch, now: now)
    }
    return answer
  }

  override func expire(now: UInt64, limit: Int) -> Int {
    let count = ledger.expire(now: now, limit: limit)
    guard !isPlanted else { return count }
    if fault == .timeoutForgotten, count > 0 {
      isPlanted = true
      ledger = shadow
    } else {
      _ = shadow.expire(now: now, limit: limit)
    }
    return count
  }

  override func restart() throws {
    try ledger.restart()
    if !isPlanted { try shadow.restart() }
  }

  /// The index of the last item if it is a spend that was posted, so that no later result of the batch is affected.
  private func acceptedSpend(_ batch: ItemBatch, _ answer: PostAnswer) -> Int? {
    let index = batch.drafts.count - 1
    let result = answer.results.withUnsafeBytes {
      ItemResult(reading: $0.baseAddress! + index * batch.resultStride, stride: batch.resultStride)
    }
    guard !batch.atomic, let result, result.status == .ok, !result.replayed,
      batch.drafts[index].item.type == TransactionType.spend.rawValue
    else { return nil }
    return index
  }

  private func plant(in batch: inout ItemBatch, _ index: Int) -> Bool {
    switch fault {
    case .lost: batch.drafts.remove(at: index)
    case .doubled:
      var again = batch.drafts[index]
      again.item.id ^= 1 << 127
      batch.drafts.append(again)
    case .overcharged: batch.drafts[index].item.amount += 1
    case .otherOperation: batch.drafts[index].item.operation = batch.drafts[index].item.operation % 5 + 1
    case .otherQuantity: batch.drafts[index].item.quantity += 1
    case .otherNote: batch.drafts[index].note = [UInt8]("planted".utf8)
    case .otherAccount:
      batch.drafts[index] = .bonus(batch.drafts[index].item.id, 1 << 90, batch.drafts[index].item.amount)
    case .timeoutForgotten: return false
    }
    return !batch.drafts.isEmpty
  }
}

/// Loses, doubles or damages a record before a restart.
final class DamagedMemory: ForwardingSubject {
  enum Damage: CaseIterable {
    case lastBlockLost, middleBlockLost, lastBlockDoubled, amountBit, balanceBit, timestampBit, idBit, operationBit
    case textBit, sequenceBit
  }

  private let damage: Damage
  private var isDone = false

  init(_ damage: Damage) { self.damage = damage }

  override func restart() throws {
    let blocks = ledger.memory.blocks
    guard blocks.count > 4, !isDone else { return try ledger.restart() }
    isDone = true
    switch damage {
    case .lastBlockLost: ledger.memory.blocks.removeLast()
    case .middleBlockLost: ledger.memory.blocks.remove(at: blocks.count / 2)
    case .lastBlockDoubled: ledger.memory.blocks.append(blocks[blocks.count - 1])
    case .idBit: flip(0)
    case .amountBit: flip(48)
    case .operationBit: flip(61)
    case .balanceBit: flip(64)
    case .timestampBit: flip(72)
    case .sequenceBit: flip(92)
    case .textBit: flipText()
    }
    try ledger.restart()
  }

  /// Damages the first record of the last block.
  private func flip(_ offset: Int) { ledger.memory.blocks[ledger.memory.blocks.count - 1].bytes[offset] ^= 2 }

  /// Damages the first text that a history shows.
  private func flipText() {
    for block in ledger.memory.blocks where block.bytes[62] > 0 && block.bytes[92] > 0 {
      block.bytes[96] ^= 1
      return
    }
  }
}

/// Answers one kind of question a little wrong.
final class MisreadingLedger: ForwardingSubject {
  enum Fault: CaseIterable {
    case statusBit, replayedBit, sequenceBit, transactionBit, textBit, moreForgotten, totalBit, balanceAtOff, lookupBit
    case deadlineOff, timeoutCountOff, unsettledOff
  }

  private let fault: Fault

  init(_ fault: Fault) { self.fault = fault }

  override func post(_ batch: ItemBatch, now: UInt64) -> PostAnswer {
    var answer = ledger.post(batch, now: now)
    switch fault {
    case .statusBit: answer.results[0] ^= 1
    case .replayedBit: answer.results[2] ^= 1
    case .sequenceBit: answer.results[answer.results.count - batch.resultStride + 4] ^= 1
    default: break
    }
    return answer
  }

  override func list(_ question: HistoryQuestion, capacity: Int) -> Answer {
    guard case .body(var bytes) = ledger.list(question, capacity: capacity) else { return .refused(.accountUnknown) }
    switch fault {
    case .transactionBit where bytes.count > 48: bytes[48 + 56] ^= 1
    case .textBit where bytes[32] > 0: bytes[48 + 96 * Int(bytes[0])] ^= 1
    case .moreForgotten:
      bytes[4] = 0
      for index in 16..<24 { bytes[index] = 0 }
    case .totalBit: bytes[8] ^= 1
    default: break
    }
    return .body(bytes)
  }

  override func balance(of account: UInt128, at time: UInt64) -> BalanceAt? {
    ledger.balance(of: account, at: fault == .balanceAtOff ? time - min(time, 1) : time)
  }

  override func lookup(account: UInt128, id: UInt128) -> Answer {
    guard fault == .lookupBit, case .body(var bytes) = ledger.lookup(account: account, id: id) else {
      return ledger.lookup(account: account, id: id)
    }
    bytes[bytes.count - 1] ^= 1
    return .body(bytes)
  }

  override var nextDeadline: UInt64? { ledger.nextDeadline.map { $0 + (fault == .deadlineOff ? 1 : 0) } }

  override func expire(now: UInt64, limit: Int) -> Int {
    let count = ledger.expire(now: now, limit: limit)
    return fault == .timeoutCountOff && count > 0 ? count - 1 : count
  }

  override func overview(of account: UInt128) -> AccountOverview? {
    var overview = ledger.overview(of: account)
    if fault == .unsettledOff { overview?.unsettled += 1 }
    return overview
  }
}
