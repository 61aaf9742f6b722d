// Which record has an id.
//
// The index knows 37 bits of a hash of account and id; what it finds is compared. Of a new id it finds nothing, but for
// once in 2^37 / n times among n records. Where the record that it finds then is not in memory, its item alone is read,
// 64 bytes of a block of up to a megabyte. The price is that the block's hash is not compared. So the item is believed
// only where an id that it names has the hash that led to it: bytes that something has changed do not, once more but for
// one in 2^37. Everything else, and above all the same id, is compared with the whole record out of a block that has its
// hash.

import ManaProtocol

/// What the ids of an account say about an item's.
struct IDMatch {
  /// Of the record that has the id, 0 for none.
  var position: UInt64
  /// A tombstone names the id.
  var isVoid: Bool
  /// Where the id's entry goes when there is none.
  var vacancy: HashIndex.Vacancy
}

extension Ledger {
  /// The record that has an item's id, most often none. Constant time.
  @inline(__always)
  func match(
    _ id: UInt128, of account: UInt128, _ prepared: UnsafePointer<Prepared>
  ) throws(AbsentRecord) -> IDMatch {
    let hash = prepared.pointee.transactionHash
    let isCurrent = prepared.pointee.generation == generation
    return try match(
      id, of: account, hash: hash, isCurrent ? prepared.pointee.transactionProbe : transactions.probe(hash),
      isExpected: false)
  }

  /// The record that has an id, most often one. Constant time.
  @inline(never)
  func match(_ id: UInt128, of account: UInt128, hash: UInt64) throws(AbsentRecord) -> IDMatch {
    try match(id, of: account, hash: hash, transactions.probe(hash), isExpected: true)
  }

  @inline(__always)
  private func match(
    _ id: UInt128, of account: UInt128, hash: UInt64, _ probe: HashIndex.Probe, isExpected: Bool
  ) throws(AbsentRecord) -> IDMatch {
    var isVoid = false
    var vacancy = HashIndex.Vacancy()
    let position = try transactions.find(hash, probe, &vacancy) { (position) throws(AbsentRecord) -> Bool in
      if !isExpected, !records.isResident(position), try isOfOthers(position, than: id, of: account, hash: hash) {
        return false
      }
      let item = try records.record(at: position).item
      guard item.account == account else { return false }
      if item.id == id { return true }
      if item.names(voidID: id) { isVoid = true }
      return false
    }
    return IDMatch(position: position, isVoid: isVoid, vacancy: vacancy)
  }

  /// Whether a record that is not in memory has the hash of an id, and names others; false where only the whole record
  /// can tell.
  @inline(never)
  private func isOfOthers(
    _ position: UInt64, than id: UInt128, of account: UInt128, hash: UInt64
  ) throws(AbsentRecord) -> Bool {
    let item = try records.absentItem(at: position)
    if item.account == account, item.id == id || item.names(voidID: id) { return false }
    let accountHash = hashing.account(item.account)
    func leadsHere(_ id: UInt128) -> Bool {
      HashIndex.key(hashing.transaction(accountHash: accountHash, id)) == HashIndex.key(hash)
    }
    return leadsHere(item.id) || item.type == RecordType.tombstone && leadsHere(item.related)
  }
}

extension ItemView {
  /// Whether this is a tombstone's, which says that a spend with that id is void.
  fileprivate func names(voidID id: UInt128) -> Bool { type == RecordType.tombstone && related == id }
}
