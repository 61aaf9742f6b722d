import ManaProtocol

extension Ledger {
  /// Stops the process when something reachable contradicts something else: chains, sums, jumps, indexes, refunds,
  /// settlements and the digest are computed again from the records, all of which must be at hand. Linear in everything;
  /// for tests.
  public func checkInvariants() {
    accounts.checkInvariants(hashing)
    transactions.checkInvariants()
    var total: UInt64 = 0
    var sum: UInt64 = 0
    var unsettled = 0
    for number in 0..<accounts.count {
      let account = accounts[number]
      checkChain(of: account)
      checkUnsettled(of: account, UInt32(number))
      total += UInt64(account.sequence)
      unsettled += Int(account.unsettledCount)
      sum &+= StateDigest.share(
        account: StateDigest.account(low: account.idLow, high: account.idHigh), balance: account.balance,
        sequence: account.sequence)
    }
    precondition(total == transactionCount, "the histories have \(total) transactions, counted are \(transactionCount)")
    precondition(sum == digest, "the digest is that of the accounts")
    precondition(unsettled == unsettledCount, "\(unsettled) unsettled spends, \(unsettledCount) deadlines")
    spends.checkInvariants(hashing)
    checkIndex()
  }

  /// Walks an account's history from its end and compares what it adds up to.
  private func checkChain(of account: Account) {
    var sums = [UInt64](repeating: 0, count: 9)
    var counts = [UInt32](repeating: 0, count: 9)
    var refunds: [UInt128: UInt64] = [:]
    var position = account.lastPosition
    var timestamp = UInt64.max
    var sequence = account.sequence
    var balance = account.balance
    precondition(sequence > 0, "an account has a transaction")
    precondition(account.lastTimestamp == records.recordAtHand(position).timestamp, "the last timestamp")
    while position != 0 {
      let record = records.recordAtHand(position)
      let item = record.item
      precondition(item.account == account.id && record.sequence == sequence, "the chain's record \(position)")
      precondition(record.timestamp < timestamp, "timestamps increase")
      precondition(record.balanceAfter == balance && balance >= 0, "the balance after record \(position)")
      let hash = hashing.transaction(accountHash: hashing.account(account.id), item.id)
      let found = Self.atHand { () throws(AbsentRecord) in try match(item.id, of: account.id, hash: hash).position }
      precondition(found == position, "record \(position) is indexed")
      timestamp = record.timestamp
      balance += item.type == RecordType.spend ? Int64(item.amount) : -Int64(item.amount)
      sums[Int(item.operation)] += item.amount
      counts[Int(item.operation)] += 1
      // Refunds are newer than their spend, so that they have been met when it is.
      if item.type == RecordType.refund { refunds[item.related, default: 0] += item.amount }
      if item.type == RecordType.spend { checkSpend(record, position, refunded: refunds.removeValue(forKey: item.id)) }
      position = record.previous
      sequence -= 1
    }
    precondition(sequence == 0 && balance == 0, "the chain is complete")
    precondition(refunds.isEmpty, "each refund names a spend of its account")
    precondition(timestamp == account.firstTimestamp, "the first timestamp")
    for operation in 1...8 as ClosedRange<UInt8> {
      let index = Int(operation)
      precondition(account.sum(operation) == sums[index] && account.count(operation) == counts[index], "totals")
    }
    checkRoots(of: account)
  }

  /// What is known of a spend agrees with the refunds that name it.
  private func checkSpend(_ record: RecordView, _ position: UInt64, refunded: UInt64?) {
    let refunded = refunded ?? 0
    let amount = record.item.amount
    let asked = record.item.flags.contains(.unsettled)
    guard let number = spends.find(position, hash: hashing.position(position)) else {
      precondition(refunded == 0 && !asked, "a spend that was refunded or asked for a settlement has an entry")
      return
    }
    let entry = spends[number]
    precondition(entry.refunded == refunded && refunded <= amount, "what was refunded of spend \(position)")
    switch entry.state {
    case .none: precondition(!asked, "a settlement was asked for")
    case .unsettled: precondition(asked && refunded == 0 && entry.endPosition == 0, "nothing ended the settlement")
    case .settled: precondition(asked && entry.used >= amount - refunded, "what was used is not refunded by settling")
    case .refunded: precondition(asked && refunded > 0, "a refund ended the settlement")
    case .timedOut: precondition(asked && refunded == amount, "a timeout refunds everything")
    }
  }

  /// The roots that the account keeps are what the jumps from its last transaction lead to.
  private func checkRoots(of account: Account) {
    var roots: [UInt64] = []
    var position = records.recordAtHand(account.lastPosition).jump
    while position != 0 {
      roots.append(position)
      position = records.recordAtHand(position).jump
    }
    precondition(account.stackedRoots(accounts.overflows) == roots.reversed(), "the stacked roots")
  }

  private func checkUnsettled(of account: Account, _ number: UInt32) {
    var link = account.newestUnsettled
    var newer: UInt32 = 0
    var sequence = UInt32.max
    var total: UInt64 = 0
    var count: UInt32 = 0
    while link != 0 {
      let entry = spends[link - 1]
      precondition(entry.account == number && entry.newer == newer && entry.sequence <= sequence, "the list")
      precondition(entry.state == .unsettled, "the list has unsettled spends only")
      total += records.recordAtHand(entry.position).item.amount
      count += 1
      newer = link
      sequence = entry.sequence
      link = entry.older
    }
    precondition(count == account.unsettledCount && total == account.unsettledTotal, "the unsettled total")
  }

  /// Each entry of the transaction index is a record that belongs there.
  private func checkIndex() {
    var entries: UInt64 = 0
    transactions.forEachPayload { position in
      if records.recordAtHand(position).sequence != 0 { entries += 1 }
    }
    precondition(entries == transactionCount, "each transaction is indexed once")
  }
}

extension SpendTable {
  /// Stops the process when the structure is broken. Linear in its size.
  func checkInvariants(_ hashing: TableHash) {
    index.checkInvariants()
    precondition(index.count == count, "each entry is indexed once")
    for number in 0..<UInt32(count) {
      let entry = self[number]
      precondition(find(entry.position, hash: hashing.position(entry.position)) == number, "each entry is found")
      precondition((entry.state == .unsettled) == (entry.heapSlot != 0), "unsettled spends have a deadline")
      if entry.heapSlot != 0 { precondition(heapEntry(Int(entry.heapSlot) - 1) == number, "the place in the heap") }
    }
    for slot in 0..<heap.count {
      precondition(slot == 0 || !isEarlier(slot, (slot - 1) / 2), "no deadline is earlier than its parent")
      precondition(heap[slot].load(as: UInt64.self) == self[heapEntry(slot)].deadline, "the heap's deadlines")
    }
  }
}
