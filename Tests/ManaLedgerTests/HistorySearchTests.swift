import ManaProtocol
import Testing

@testable import ManaLedger

@Suite struct HistorySearchTests {
  /// A bench whose account 9 has `count` transactions, ten nanoseconds apart from 1,000 on.
  private static func bench(_ count: Int) -> Bench {
    var bench = Bench()
    var next = 1
    while next <= count {
      let last = min(next + 4_000, count + 1)
      bench.post((next..<last).map { .bonus(UInt128($0), 9, UInt64($0)) }, stride: 16)
      next = last
    }
    return bench
  }

  /// After each of 5,000 appends the roots are those that the records' jumps lead to, and positions are found.
  @Test func rootsAfterEachAppend() {
    var bench = Bench()
    let account: UInt128 = 9
    for number in 1...UInt64(5_000) {
      bench.post([.bonus(UInt128(number), account, 1)], stride: 16)
      let found = bench.ledger.account(account)!
      var roots: [UInt64] = []
      var position = bench.ledger.records.recordAtHand(found.lastPosition).jump
      while position != 0 {
        roots.append(position)
        position = bench.ledger.records.recordAtHand(position).jump
      }
      #expect(found.stackedRoots(bench.ledger.accounts.overflows) == roots.reversed(), "after \(number)")
      #expect(roots.count <= 14)
    }
    bench.ledger.checkInvariants()
  }

  @Test func everySequenceIsFoundAmongFiveThousand() throws {
    let bench = Self.bench(5_000)
    let head = bench.ledger.lastPosition(of: 9)
    var most = 0
    for sequence in 1...UInt32(5_000) {
      let found = try bench.ledger.records.position(ofSequence: sequence, from: head)
      #expect(bench.ledger.records.recordAtHand(found.position).sequence == sequence)
      most = max(most, found.reads)
    }
    #expect(most <= 3 * 13 + 2, "\(most) reads")
  }

  @Test func readsAreLogarithmicInAMillion() throws {
    let count = 1_000_000
    let bench = Self.bench(count)
    let head = bench.ledger.lastPosition(of: 9)
    var numbers = SeededNumbers(seed: 5)
    var most = 0
    for step in 0..<4_000 {
      let sequence = UInt32(step < 1_000 ? 1 + step : 1 + Int(numbers.below(UInt64(count))))
      let found = try bench.ledger.records.position(ofSequence: sequence, from: head)
      #expect(bench.ledger.records.recordAtHand(found.position).sequence == sequence)
      let time = bench.ledger.records.recordAtHand(found.position).timestamp
      let timed = try bench.ledger.records.newest(from: head) { $0.timestamp <= time }
      #expect(timed.position == found.position)
      most = max(most, found.reads, timed.reads)
    }
    #expect(most <= 3 * 20 + 2, "\(most) reads")
  }

  @Test func balanceAtEveryMoment() throws {
    var bench = Bench()
    var expected: [(time: UInt64, balance: Int64, sequence: UInt64)] = []
    var numbers = SeededNumbers(seed: 3)
    for number in 1...UInt64(300) {
      bench.now += numbers.below(5)
      let result = bench.post(.bonus(UInt128(number), 9, number))
      expected.append((result.timestamp, result.balance, number))
    }
    #expect(try bench.ledger.balance(of: 8, at: 5) == nil)
    for time in 990...expected.last!.time + 5 {
      let last = expected.last { $0.time <= time }
      let balance = BalanceAt(
        balance: last?.balance ?? 0, sequence: last?.sequence ?? 0, timestamp: last?.time ?? 0)
      #expect(try bench.ledger.balance(of: 9, at: time) == balance)
    }
  }
}
