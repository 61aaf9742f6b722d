import ManaProtocol
import ManaTesting

/// What the clients of one seed ask, all from one stream, so that ids meet again at other clients.
struct Traffic {
  private var workload: Workload
  private var random: SplitMix64
  private(set) var requests: [SimulatedRequest] = []

  /// One world in so many is about little but spends, what ends them, and lists.
  static let worldsAboutSpends = 8

  init(seed: UInt64, isAboutSpends: Bool, using random: inout SplitMix64) {
    // Fewer than eight accounts: amounts at the limits of 64 bits belong to the eighth.
    let shape = Workload.Shape(
      accounts: Int.random(in: 2...7, using: &random), itemsMax: [3, 8, 8, 12, 30].randomElement(using: &random)!,
      isAboutSpends: isAboutSpends)
    workload = Workload(seed: seed, shape: shape)
    self.random = SplitMix64(seed: mix64(seed))
  }

  /// The accounts that anything can have happened to.
  var accounts: [UInt128] {
    var accounts: Set<UInt128> = []
    for request in requests {
      guard case .post(let batch) = request.content else { continue }
      accounts.formUnion(batch.drafts.map(\.item.account))
    }
    accounts.remove(0)
    return accounts.sorted()
  }

  mutating func next() -> SimulatedRequest {
    let content: SimulatedRequest.Content
    let choice = Int.random(in: 0..<100, using: &random)
    // Of a world about spends, no long batches, and lists in the place of what shows no single spend.
    let isReplaced = workload.shape.isAboutSpends && ((68..<75).contains(choice) || choice >= 93)
    switch isReplaced ? 75 : choice {
    case 0..<68:
      var batch = !workload.shape.isAboutSpends && random.chance(1, in: 200) ? longBatch() : workload.nextBatch()
      // What leaves no transaction is known by the time in its result.
      if batch.drafts.contains(where: Self.leavesNoTransaction) { batch.fullResults = true }
      content = .post(batch)
    case 68..<75: content = .overview(workload.nextAccount())
    case 75..<84: content = .list(workload.nextQuestion(total: 20))
    case 84..<88:
      content = .unsettled(account: workload.nextAccount(), start: 0, limit: Int.random(in: 1...20, using: &random))
    case 88..<93:
      let (account, id) = workload.nextLookup()
      content = .lookup(account: account, id: id)
    case 93..<97: content = .balance(account: workload.nextAccount(), time: workload.nextMoment())
    case 97..<99: content = .ping
    default: content = .status
    }
    return add(content)
  }

  mutating func add(_ content: SimulatedRequest.Content) -> SimulatedRequest {
    let request = SimulatedRequest(number: requests.count, content)
    requests.append(request)
    return request
  }

  /// More text than one block of the journal holds, so that it is executed in parts.
  private mutating func longBatch() -> ItemBatch {
    let account = workload.account(Int.random(in: 0..<workload.shape.accounts, using: &random))
    let other = random.chance(1, in: 2) ? account : workload.account(0)
    let text = [UInt8](repeating: UInt8(ascii: "l"), count: Limits.textBytesMax)
    return ItemBatch(
      (0..<130).map { index in
        var draft = ItemDraft.bonus(random.identifier(), index % 3 == 0 ? other : account, 1_000)
        draft.reference = text
        draft.note = text
        return draft
      })
  }

  private static func leavesNoTransaction(_ draft: ItemDraft) -> Bool {
    draft.item.type == TransactionType.settlement.rawValue || draft.item.flags.contains(.voidIfUnknown)
  }
}
