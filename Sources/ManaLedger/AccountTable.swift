import CIntrinsics
import ManaProtocol

/// The accounts of a shard, by id.
struct AccountTable: ~Copyable {
  /// Payload: 1 + index of the account.
  var index = HashIndex()
  var accounts = SlabArray(stride: Account.bytes, shift: 12)
  var overflows = SlabArray(stride: Account.overflowBytes, shift: 10)

  var count: Int { accounts.count }
  var generation: UInt32 { @inline(__always) get { index.generation } }
  var bytes: Int { index.bytes + accounts.bytes + overflows.bytes }

  @inline(__always) subscript(index: Int) -> Account { Account(accounts[index]) }

  mutating func prepare(_ more: Int) {
    index.prepare(more)
    accounts.prepare(more)
  }

  /// See `Ledger.nextMemoryAhead`.
  mutating func nextMemoryAhead() -> MemoryAhead? { index.arena.nextAhead() ?? accounts.nextMemoryAhead() }

  /// Where the account with this hash probably is named; see `HashIndex.Probe`.
  @inline(__always) func probe(_ hash: UInt64) -> HashIndex.Probe { index.probe(hash) }

  /// The account that a probe probably leads to, without a look at it.
  @inline(__always)
  func guess(_ probe: HashIndex.Probe) -> Account? {
    let payload = index.guess(probe)
    return payload == 0 ? nil : self[Int(truncatingIfNeeded: payload) &- 1]
  }

  /// Constant time.
  @inline(__always)
  func find(_ id: UInt128, hash: UInt64) -> Account? {
    let payload = index.find(hash) { self[Int(truncatingIfNeeded: $0) &- 1].hasID(id) }
    return payload == 0 ? nil : self[Int(truncatingIfNeeded: payload) &- 1]
  }

  /// The number under which the spend table knows the account.
  func number(of account: Account, hash: UInt64) -> UInt32 {
    let payload = index.find(hash) { self[Int(truncatingIfNeeded: $0) &- 1].base == account.base }
    return UInt32(payload - 1)
  }

  /// Adds an account that is not there yet; all but its id is zero.
  @inline(never)
  mutating func create(_ id: UInt128, hash: UInt64) -> Account {
    let number = accounts.append()
    precondition(number < Int(UInt32.max), "a shard has at most 2^32 − 1 accounts")
    index.insert(hash, payload: UInt64(number + 1))
    let account = self[number]
    account.id = id
    return account
  }

  /// Takes away the account that was created last.
  mutating func removeLast(hash: UInt64) {
    index.remove(hash, payload: UInt64(accounts.count))
    accounts.removeLast()
  }

  func checkInvariants(_ hashing: TableHash) {
    index.checkInvariants()
    precondition(index.count == accounts.count, "each account is indexed once")
    for number in 0..<accounts.count {
      let account = self[number]
      let found = find(account.id, hash: hashing.account(account.id))
      precondition(found?.base == account.base, "each account is found by its id")
    }
  }
}
