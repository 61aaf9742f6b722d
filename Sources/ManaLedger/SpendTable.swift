// What is known of spends beyond their records: how much was refunded, and how their settlement stands. Only spends
// that were refunded or that asked for a settlement have an entry. Entries are dense, 64 bytes each, found by the
// spend's position; offsets in bytes:
//
//   0  u64  position        of the spend's record
//   8  u64  refunded        micromana
//  16  u64  used            settled: micromana that were used
//  24  u64  endPosition     of the record that ended the settlement, 0 when none did
//  32  u64  deadline        nanoseconds since 1970; of a spend that asked for a settlement
//  40  u32  state           see SettlementState
//  44  u32  heapSlot        unsettled: 1 + its place in the heap of deadlines, otherwise 0
//  48  u32  newer           unsettled: 1 + index of the account's next newer unsettled spend, or 0
//  52  u32  older           unsettled: 1 + index of the next older one, or 0
//  56  u32  sequence        of the spend
//  60  u32  account         its number in the account table

import ManaProtocol

/// The entry of a spend where it lies.
struct SpendEntry {
  static let bytes = 64

  let base: UnsafeMutableRawPointer

  @inline(__always) private func u32(_ offset: Int) -> UInt32 { base.load(fromByteOffset: offset, as: UInt32.self) }
  @inline(__always) private func u64(_ offset: Int) -> UInt64 { base.load(fromByteOffset: offset, as: UInt64.self) }
  private func set(_ offset: Int, _ value: UInt32) {
    base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }
  private func set(_ offset: Int, _ value: UInt64) {
    base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }

  var position: UInt64 {
    get { u64(0) }
    nonmutating set { set(0, newValue) }
  }
  var refunded: UInt64 {
    get { u64(8) }
    nonmutating set { set(8, newValue) }
  }
  var used: UInt64 {
    get { u64(16) }
    nonmutating set { set(16, newValue) }
  }
  var endPosition: UInt64 {
    get { u64(24) }
    nonmutating set { set(24, newValue) }
  }
  var deadline: UInt64 {
    get { u64(32) }
    nonmutating set { set(32, newValue) }
  }
  var state: SettlementState {
    get {
      guard let state = SettlementState(rawValue: UInt8(u32(40))) else { preconditionFailure("an unknown state") }
      return state
    }
    nonmutating set { set(40, UInt32(newValue.rawValue)) }
  }
  var heapSlot: UInt32 {
    get { u32(44) }
    nonmutating set { set(44, newValue) }
  }
  var newer: UInt32 {
    get { u32(48) }
    nonmutating set { set(48, newValue) }
  }
  var older: UInt32 {
    get { u32(52) }
    nonmutating set { set(52, newValue) }
  }
  var sequence: UInt32 {
    get { u32(56) }
    nonmutating set { set(56, newValue) }
  }
  var account: UInt32 {
    get { u32(60) }
    nonmutating set { set(60, newValue) }
  }
}

extension SpendEntry {
  /// Whether it leads to nothing outside of the table: of an entry that was read from an image.
  func hasSoundState(entries: Int, deadlines: Int) -> Bool {
    SettlementState(rawValue: UInt8(truncatingIfNeeded: u32(40))) != nil && u32(40) <= UInt32(UInt8.max)
      && Int(heapSlot) <= deadlines && Int(newer) <= entries && Int(older) <= entries
  }
}

/// Refunds and settlements of a shard's spends, by the position of the spend.
struct SpendTable: ~Copyable {
  /// Payload: 1 + index of the entry.
  var index = HashIndex()
  var entries = SlabArray(stride: SpendEntry.bytes, shift: 12)
  /// A binary heap of (deadline, index of the entry); see SpendTable+Deadlines.swift.
  var heap = SlabArray(stride: 16, shift: 12)
  /// Changes since `startRecording`, so that an atomic batch can be undone.
  private var changes: [Change] = []
  private var isRecording = false

  /// An entry before it was changed; nil before it was created.
  private struct Change {
    var number: UInt32
    var hash: UInt64
    var before: Before?
  }
  private struct Before {
    var refunded, used, endPosition: UInt64
    var state: SettlementState
  }

  var count: Int { entries.count }
  var bytes: Int { index.bytes + entries.bytes + heap.bytes }

  @inline(__always) subscript(number: UInt32) -> SpendEntry { SpendEntry(base: entries[Int(number)]) }

  /// The number of the spend's entry. Constant time.
  @inline(__always)
  func find(_ position: UInt64, hash: UInt64) -> UInt32? {
    if entries.count == 0 { return nil }
    let payload = index.find(hash) { self[UInt32(truncatingIfNeeded: $0 &- 1)].position == position }
    return payload == 0 ? nil : UInt32(truncatingIfNeeded: payload &- 1)
  }

  /// The number of the spend's entry, which is created when there is none.
  mutating func findOrCreate(_ position: UInt64, hash: UInt64) -> UInt32 {
    if let number = find(position, hash: hash) { return number }
    let number = entries.append()
    precondition(number < Int(UInt32.max), "a shard has at most 2^32 − 1 refunded or unsettled spends")
    index.insert(hash, payload: UInt64(number + 1))
    self[UInt32(number)].position = position
    if isRecording { changes.append(Change(number: UInt32(number), hash: hash, before: nil)) }
    return UInt32(number)
  }

  /// Enters a spend that has to be settled until `deadline`. Logarithmic in the number of unsettled spends.
  mutating func open(
    _ position: UInt64, hash: UInt64, sequence: UInt32, amount: UInt64, deadline: UInt64, of account: Account,
    number accountNumber: UInt32
  ) {
    let number = findOrCreate(position, hash: hash)
    let entry = self[number]
    entry.deadline = deadline
    entry.state = .unsettled
    entry.sequence = sequence
    entry.account = accountNumber
    entry.older = account.newestUnsettled
    link(number, to: account, amount: amount)
  }

  /// Adds to what was refunded of a spend.
  mutating func addRefund(_ amount: UInt64, to number: UInt32) {
    recordChange(number)
    let entry = self[number]
    entry.refunded += amount
  }

  /// Ends the settlement of an unsettled spend. Logarithmic in the number of unsettled spends.
  mutating func close(
    _ number: UInt32, as state: SettlementState, used: UInt64, endPosition: UInt64, amount: UInt64, of account: Account
  ) {
    recordChange(number)
    let entry = self[number]
    precondition(entry.state == .unsettled, "a settlement ends once")
    entry.state = state
    entry.used = used
    entry.endPosition = endPosition
    unlink(number, from: account, amount: amount)
  }

  // MARK: The account's list of unsettled spends, newest first

  /// Puts an entry, whose `newer` and `older` say where it belongs, into the list and the heap.
  private mutating func link(_ number: UInt32, to account: Account, amount: UInt64) {
    let entry = self[number]
    if entry.newer == 0 { account.newestUnsettled = number + 1 } else { self[entry.newer - 1].older = number + 1 }
    if entry.older != 0 { self[entry.older - 1].newer = number + 1 }
    account.unsettledCount += 1
    account.unsettledTotal += amount
    pushDeadline(number)
  }

  /// Takes an entry out of the list and the heap. It keeps its neighbours, so that `link` can undo this while they are
  /// as they were.
  private mutating func unlink(_ number: UInt32, from account: Account, amount: UInt64) {
    let entry = self[number]
    if entry.newer == 0 { account.newestUnsettled = entry.older } else { self[entry.newer - 1].older = entry.older }
    if entry.older != 0 { self[entry.older - 1].newer = entry.newer }
    account.unsettledCount -= 1
    account.unsettledTotal -= amount
    removeDeadline(number)
  }

  // MARK: Undoing

  /// From here on changes can be undone.
  mutating func startRecording() {
    changes.removeAll(keepingCapacity: true)
    isRecording = true
  }

  /// Keeps what was changed.
  mutating func stopRecording() {
    changes.removeAll(keepingCapacity: true)
    isRecording = false
  }

  /// Makes every change since `startRecording` undone, newest first. `spentAmount` tells the amount of the spend at a
  /// position, `account` is the only one that was concerned.
  mutating func undo(of account: Account, spentAmount: (UInt64) -> UInt64) {
    for change in changes.reversed() {
      let entry = self[change.number]
      let amount = spentAmount(entry.position)
      if let before = change.before {
        if entry.state != before.state { link(change.number, to: account, amount: amount) }
        entry.refunded = before.refunded
        entry.used = before.used
        entry.endPosition = before.endPosition
        entry.state = before.state
      } else {
        if entry.state == .unsettled { unlink(change.number, from: account, amount: amount) }
        index.remove(change.hash, payload: UInt64(change.number + 1))
        entries.removeLast()
      }
    }
    stopRecording()
  }

  private mutating func recordChange(_ number: UInt32) {
    guard isRecording else { return }
    let entry = self[number]
    let before = Before(
      refunded: entry.refunded, used: entry.used, endPosition: entry.endPosition, state: entry.state)
    changes.append(Change(number: number, hash: 0, before: before))
  }
}
