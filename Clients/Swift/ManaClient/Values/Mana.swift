/// An amount of Mana, exact to the millionth; negative for what a spend does to a balance.
///
/// One Mana is 1,000,000 *micromana*, which is what the ledger counts. Text is parsed and printed in decimal without
/// floating-point numbers on the way, so that `Mana("0.1")` is a tenth and nothing else.
///
/// ```swift
/// let price: Mana = 10                      // ten Mana
/// let half = Mana("1.5")!                   // 1,500,000 micromana
/// print(price + half)                       // 11.5
/// ```
public struct Mana: Hashable, Sendable {
  /// Micromana in one Mana.
  public static let scale: Int64 = 1_000_000
  /// No Mana.
  public static let zero = Mana(micromana: 0)
  /// The largest amount and the largest balance.
  public static let max = Mana(micromana: .max)
  /// The lowest balance.
  public static let min = Mana(micromana: .min)

  /// The amount as the ledger counts it.
  public var micromana: Int64

  /// The amount of that many millionths of a Mana.
  public init(micromana: Int64) { self.micromana = micromana }

  /// The amount of that many millionths of a Mana; nil above 2^63 − 1, which no balance can hold.
  public init?(exactlyMicromana micromana: UInt64) {
    guard let exact = Int64(exactly: micromana) else { return nil }
    self.micromana = exact
  }

  /// The amount without its sign. Traps for ``min``, as `abs` does.
  public var magnitude: Mana { Mana(micromana: abs(micromana)) }
}

extension Mana: ExpressibleByIntegerLiteral {
  /// Whole Mana: `let price: Mana = 10`. Traps when they do not fit.
  public init(integerLiteral value: Int64) { micromana = value * Self.scale }
}

extension Mana: Comparable {
  /// Compares the amounts.
  public static func < (left: Mana, right: Mana) -> Bool { left.micromana < right.micromana }
}

extension Mana {
  /// The sum, and whether it overflowed, in which case the value wrapped around.
  public func addingReportingOverflow(_ other: Mana) -> (partialValue: Mana, overflow: Bool) {
    let (sum, overflow) = micromana.addingReportingOverflow(other.micromana)
    return (Mana(micromana: sum), overflow)
  }

  /// The difference, and whether it overflowed, in which case the value wrapped around.
  public func subtractingReportingOverflow(_ other: Mana) -> (partialValue: Mana, overflow: Bool) {
    let (difference, overflow) = micromana.subtractingReportingOverflow(other.micromana)
    return (Mana(micromana: difference), overflow)
  }

  /// The product, and whether it overflowed, in which case the value wrapped around.
  public func multipliedReportingOverflow(by factor: Int64) -> (partialValue: Mana, overflow: Bool) {
    let (product, overflow) = micromana.multipliedReportingOverflow(by: factor)
    return (Mana(micromana: product), overflow)
  }

  /// The sum. Traps on overflow, as integers do.
  public static func + (left: Mana, right: Mana) -> Mana { Mana(micromana: left.micromana + right.micromana) }
  /// The difference. Traps on overflow.
  public static func - (left: Mana, right: Mana) -> Mana { Mana(micromana: left.micromana - right.micromana) }
  /// The price of several things. Traps on overflow.
  public static func * (left: Mana, right: Int64) -> Mana { Mana(micromana: left.micromana * right) }
  /// The amount with the other sign. Traps for ``min``.
  public static prefix func - (amount: Mana) -> Mana { Mana(micromana: -amount.micromana) }
  /// Adds in place. Traps on overflow.
  public static func += (left: inout Mana, right: Mana) { left = left + right }
  /// Subtracts in place. Traps on overflow.
  public static func -= (left: inout Mana, right: Mana) { left = left - right }
}
