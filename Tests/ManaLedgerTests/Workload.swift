import ManaLedger
import ManaProtocol

/// Random entries of all kinds about few ids, so that most of them concern each other.
struct Workload {
  var numbers: SeededNumbers
  /// Ids are drawn from 1 to this.
  var ids: UInt64 = 400

  mutating func entry(_ account: UInt128) -> Entry {
    let id = UInt128(1 + numbers.below(ids))
    let other = UInt128(1 + numbers.below(ids))
    let amount = 1 + numbers.below(50)
    let text = numbers.below(3) == 0 ? String(repeating: "é", count: Int(numbers.below(40))) : ""
    switch numbers.below(12) {
    case 0: return .purchase(id, account, amount * 10, reference: text, note: "n")
    case 1: return .bonus(id, account, amount, note: text)
    case 2...4: return .spend(id, account, amount, .export, quantity: 3, reference: text)
    case 5, 6: return .spend(id, account, amount, timeout: UInt128(1_000 + numbers.below(9_000)), note: text)
    case 7: return .refund(id, account, of: other, amount, note: text)
    case 8: return .refund(id, account, of: other, nil, void: numbers.below(2) == 0)
    case 9: return .settle(id, account, of: other, used: nil)
    case 10: return .settle(id, account, of: other, used: numbers.below(amount + 1), note: text)
    default: return .settle(id, account, of: other, used: 0)
    }
  }
}
