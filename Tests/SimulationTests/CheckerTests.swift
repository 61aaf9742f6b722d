import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

/// The checker finds each thing that can have gone wrong, and nothing where nothing has.
@Suite struct CheckerTests {
  @Test(arguments: 1...12 as ClosedRange<UInt64>) func findsNothingInACleanRecord(seed: UInt64) throws {
    let clean = CleanRecord(seed: seed)
    #expect(clean.record.histories.values.map(\.count).reduce(0, +) > 100)
    try CleanRecord.check(clean.record)
  }

  @Test(arguments: PlantedError.allCases) func findsWhatIsPlanted(_ error: PlantedError) throws {
    var clean = CleanRecord(seed: 5)
    try #require(error.plant(in: &clean), "there was no place to plant it")
    do {
      try CleanRecord.check(clean.record)
      Issue.record("\(error) was not found")
    } catch let finding as HistoryFinding {
      #expect(error.rules.contains(finding.rule), "\(error) was found as \(finding)")
    }
  }
}

/// Something wrong in the record of a ledger's life.
enum PlantedError: CaseIterable {
  case lastLost, middleLost, doubled, doubledUnderAnotherID, swapped, numberSkipped, timeGoesBack
  case balanceOff, amountOff, noteChanged, neverSent, refundTooEarly
  case appliedTwice, refusalWithoutReason, readFromThePast, readFromTheFuture, halfOfAtomic, timeoutForgotten

  /// The rules by which it may be found.
  var rules: Set<HistoryFinding.Rule> {
    switch self {
    case .lastLost: [.lost]
    case .middleLost, .balanceOff, .amountOff: [.wrongBalance]
    case .doubled, .appliedTwice: [.doubled]
    case .swapped: [.outOfOrder, .lost, .wrongBalance]
    case .numberSkipped, .timeGoesBack: [.outOfOrder]
    case .doubledUnderAnotherID, .noteChanged, .neverSent, .refundTooEarly: [.unasked]
    case .refusalWithoutReason: [.unjustified]
    case .readFromThePast, .readFromTheFuture: [.unjustified, .outOfOrder]
    case .halfOfAtomic: [.partOfAtomic]
    case .timeoutForgotten: [.timeoutForgotten]
    }
  }

  /// Plants it; false when the record has no place for it.
  func plant(in clean: inout CleanRecord) -> Bool {
    // The account on which most has happened, from whose history a few of the last can be taken without a trace.
    guard let account = clean.record.histories.max(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) })?.key
    else { return false }
    switch self {
    case .appliedTwice, .refusalWithoutReason, .readFromThePast, .readFromTheFuture:
      return plantInAnswers(of: &clean.record, account)
    case .halfOfAtomic: return plantHalfOfAtomic(in: &clean.record, account)
    case .timeoutForgotten:
      let isUnsettled = clean.record.histories.values.joined().contains { $0.settlement == .unsettled }
      clean.record.endTime = clean.endTime + 3_000_000_000_000_000_000
      return isUnsettled
    default: return plantInHistory(&clean.record.histories[account]!)
    }
  }

  private func plantInHistory(_ history: inout [ReferenceTransaction]) -> Bool {
    let middle = history.count / 2
    switch self {
    case .lastLost: history.removeLast()
    case .middleLost:
      history.remove(at: middle)
      for index in middle..<history.count { history[index].sequence -= 1 }
    case .doubled, .doubledUnderAnotherID:
      guard var copy = history.last(where: { $0.type != .spend }) else { return false }
      copy.sequence = UInt32(history.count + 1)
      copy.balanceAfter = history.last!.balanceAfter + Int64(copy.shown.item.amount)
      copy.timestamp = history.last!.timestamp + 1
      if self == .doubledUnderAnotherID { copy.shown.item.id ^= 1 << 90 }
      history.append(copy)
    case .swapped:
      history.swapAt(middle, middle + 1)
      for index in middle...middle + 1 { history[index].sequence = UInt32(index + 1) }
    case .numberSkipped: history[middle].sequence += 1
    case .timeGoesBack: history[middle].timestamp = history[middle - 1].timestamp
    case .balanceOff: history[middle].balanceAfter += 1
    case .amountOff: history[middle].shown.item.amount += 1
    case .noteChanged: history[middle].shown.note.append(UInt8(ascii: "!"))
    case .neverSent, .refundTooEarly:
      guard let spend = history.last(where: { $0.type == .spend && $0.refunded == 0 }) else { return false }
      var added = history.last!
      added.shown = .bonus(77, spend.shown.item.account, 5)
      if self == .refundTooEarly {
        added.shown = .refund(
          TimeoutID.next(after: spend.shown.item.id), spend.shown.item.account, of: spend.shown.item.id, 1)
        added.shown.note = [UInt8]("timeout".utf8)
      }
      added.refunded = 0
      added.settlement = .none
      added.sequence += 1
      added.timestamp += 1
      added.balanceAfter += Int64(added.shown.item.amount)
      history.append(added)
    default: return false
    }
    return true
  }

  private func plantInAnswers(of record: inout LedgerRecord, _ account: UInt128) -> Bool {
    switch self {
    case .appliedTwice:
      // Somebody is told again that a transaction is new.
      guard
        let request = record.requests.first(where: { request in
          guard case .post(let batch) = request.content, !batch.atomic, batch.drafts[0].item.account == account,
            let result = SimulatedRequest.results(in: request.answers[0])?.first
          else { return false }
          return result.status == .ok && !result.replayed && result.sequence > 0
        })
      else { return false }
      request.answers.append(request.answers[0])
    case .refusalWithoutReason:
      guard
        let request = record.requests.first(where: { request in
          guard case .post(let batch) = request.content, !batch.atomic, batch.drafts[0].item.account == account
          else { return false }
          return SimulatedRequest.results(in: request.answers[0])?.first?.status == .originalUnknown
        })
      else { return false }
      // The status stands in the first two bytes of the first result.
      request.answers[0].body[BatchReplyView.preludeBytes] = UInt8(Status.insufficientBalance.rawValue)
    case .readFromThePast, .readFromTheFuture:
      let reads = record.requests.filter { request in
        guard case .overview(account) = request.content else { return false }
        return request.answers[0].status == .ok
      }
      guard let early = reads.first, let late = reads.last, early !== late else { return false }
      if self == .readFromThePast {
        late.answers[0].body = early.answers[0].body
      } else {
        early.answers[0].body = late.answers[0].body
      }
    default: return false
    }
    return true
  }

  /// A batch that nobody had an answer to, of which one transaction is there and one is not.
  private func plantHalfOfAtomic(in record: inout LedgerRecord, _ account: UInt128) -> Bool {
    guard var last = record.histories[account]?.last else { return false }
    let drafts = [ItemDraft.bonus(1 << 100, account, 5), ItemDraft.bonus(2 << 100, account, 5)]
    let request = SimulatedRequest(number: record.requests.count, .post(ItemBatch(drafts, atomic: true)))
    request.firstSent = record.requests.count * 3
    record.requests.append(request)
    last.shown = drafts[0]
    last.refunded = 0
    last.settlement = .none
    last.sequence += 1
    last.timestamp += 1
    last.balanceAfter += 5
    record.histories[account]!.append(last)
    return true
  }
}
