import ManaProtocol

extension Ledger {
  /// Of an image's layout, which follows the tables'. 2: an entry of an index may lie in any slot of its bucket, which
  /// programs that knew 1 would take for damage when they remove one.
  static let imageVersion: UInt64 = 2

  /// Writes everything that the ledger knows beside its records, the seed of its tables among it. Nothing may be changed
  /// meanwhile. O(accounts + transactions): 10 to 20 bytes a transaction and 270 an account.
  public func writeImage<Sink: ImageSink>(to sink: inout Sink) throws(Sink.Failure) {
    for number in [Self.imageVersion, tableSeed, lastTimestamp, transactionCount, digest] {
      try sink.append(number: number)
    }
    try accounts.writeImage(to: &sink)
    try spends.writeImage(to: &sink)
    try transactions.writeImage(to: &sink)
  }

  /// The ledger whose image that is.
  ///
  /// - Parameters:
  ///   - records: where its records are, all of those before `end`. None is read here.
  ///   - end: the position behind the last of them.
  ///   - hashBits: those of the ledger that wrote the image.
  /// - Throws: `ImageError`; the image is of no use then. O(bytes of the image).
  public static func restored<Source: ImageSource>(
    from source: inout Source, records: RecordSpace, end: UInt64, hashBits: UInt64 = .max
  ) throws(ImageError<Source.Failure>) -> Ledger {
    let version = try source.number()
    guard version == imageVersion else { throw .version(version) }
    let tableSeed = try source.number()
    var ledger = Ledger(records: records, tableSeed: tableSeed, hashBits: hashBits)
    try ledger.restore(from: &source, end: end)
    return ledger
  }

  private mutating func restore<Source: ImageSource>(
    from source: inout Source, end: UInt64
  ) throws(ImageError<Source.Failure>) {
    lastTimestamp = try source.number()
    transactionCount = try source.number()
    digest = try source.number()
    accounts = try AccountTable(image: &source)
    spends = try SpendTable(image: &source)
    transactions = try HashIndex(image: &source, payloadMax: max(end, 1) - 1)
    if let fault = accountFault(end: end) ?? spendFault(end: end) { throw .unsound(fault) }
  }

  /// What is wrong with the accounts of an image.
  private func accountFault(end: UInt64) -> StaticString? {
    var total: UInt64 = 0
    var sum: UInt64 = 0
    var unsettled: UInt64 = 0
    for number in 0..<accounts.count {
      let account = accounts[number]
      let isPlaced =
        (1..<end).contains(account.lastPosition) && account.lastAsidePosition < end
        && account.hasSoundRoots(accounts.overflows, end: end)
        && Int(account.newestUnsettled) <= spends.count
      guard isPlaced, account.sequence > 0, account.balance >= 0, account.lastTimestamp <= lastTimestamp else {
        return "an account"
      }
      guard accounts.find(account.id, hash: hashing.account(account.id))?.base == account.base else {
        return "an account is not found by its id"
      }
      total &+= UInt64(account.sequence)
      unsettled += UInt64(account.unsettledCount)
      sum &+= StateDigest.share(
        account: StateDigest.account(low: account.idLow, high: account.idHigh), balance: account.balance,
        sequence: account.sequence)
    }
    guard accounts.index.count == accounts.count, total == transactionCount else { return "the number of transactions" }
    guard transactions.count >= Int(clamping: total) else { return "a transaction is not indexed" }
    guard unsettled == UInt64(spends.unsettledCount) else { return "the number of unsettled spends" }
    return sum == digest ? nil : "the accounts do not have the digest"
  }

  /// What is wrong with the refunds and settlements of an image.
  private func spendFault(end: UInt64) -> StaticString? {
    guard spends.index.count == spends.count else { return "the number of refunded spends" }
    for number in 0..<UInt32(spends.count) {
      let entry = spends[number]
      guard entry.hasSoundState(entries: spends.count, deadlines: spends.unsettledCount),
        (1..<end).contains(entry.position), entry.endPosition < end, entry.account < UInt32(clamping: accounts.count),
        (entry.state == .unsettled) == (entry.heapSlot != 0),
        spends.find(entry.position, hash: hashing.position(entry.position)) == number
      else { return "a refunded spend" }
    }
    for slot in 0..<spends.unsettledCount {
      let number = spends.heapEntry(slot)
      guard number < UInt32(clamping: spends.count), Int(spends[number].heapSlot) == slot + 1,
        spends.heap[slot].load(as: UInt64.self) == spends[number].deadline,
        slot == 0 || !spends.isEarlier(slot, (slot - 1) / 2)
      else { return "a deadline" }
    }
    return nil
  }
}

extension AccountTable {
  func writeImage<Sink: ImageSink>(to sink: inout Sink) throws(Sink.Failure) {
    try accounts.writeImage(to: &sink)
    try overflows.writeImage(to: &sink)
    try index.writeImage(to: &sink)
  }

  init<Source: ImageSource>(image source: inout Source) throws(ImageError<Source.Failure>) {
    self.init()
    try accounts.append(image: &source)
    try overflows.append(image: &source)
    index = try HashIndex(image: &source, payloadMax: UInt64(accounts.count))
  }
}

extension SpendTable {
  func writeImage<Sink: ImageSink>(to sink: inout Sink) throws(Sink.Failure) {
    try entries.writeImage(to: &sink)
    try heap.writeImage(to: &sink)
    try index.writeImage(to: &sink)
  }

  init<Source: ImageSource>(image source: inout Source) throws(ImageError<Source.Failure>) {
    self.init()
    try entries.append(image: &source)
    try heap.append(image: &source)
    index = try HashIndex(image: &source, payloadMax: UInt64(entries.count))
  }
}
