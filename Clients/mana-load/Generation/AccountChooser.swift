import ArgumentParser

/// Which accounts a run prefers.
enum Distribution: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// Each account as often as any other.
  case uniform
  /// Account *k* with a weight of 1/*k*: with 10,000 accounts the first one has every tenth transaction.
  case zipf
}

/// Draws account indexes. One random number a draw, whatever the distribution.
struct AccountChooser: Sendable {
  private let count: Int
  private let table: [AliasSlot]

  /// Linear in `count` for `zipf`, constant for `uniform`.
  init(_ distribution: Distribution, count: Int) {
    self.count = count
    switch distribution {
    case .uniform: table = []
    case .zipf: table = Self.aliasTable(weights: (1...count).map { 1 / Double($0) })
    }
  }

  /// An index below `count`. Constant time.
  @inline(__always)
  func draw(_ random: inout SplitMix64) -> Int {
    let number = random.next()
    let slot = Int(((number >> 32) &* UInt64(count)) >> 32)
    if table.isEmpty { return slot }
    let entry = table[slot]
    return UInt32(truncatingIfNeeded: number) < entry.threshold ? slot : Int(entry.alias)
  }

  /// A slot keeps a draw whose low half is below the threshold and gives the others to its alias.
  private struct AliasSlot: Sendable {
    var threshold: UInt32
    var alias: UInt32
  }

  /// Source: Vose, "A linear algorithm for generating random numbers with a given distribution" (1991).
  private static func aliasTable(weights: [Double]) -> [AliasSlot] {
    let sum = weights.reduce(0, +)
    var scaled = weights.map { $0 / sum * Double(weights.count) }
    var small = scaled.indices.filter { scaled[$0] < 1 }
    var large = scaled.indices.filter { scaled[$0] >= 1 }
    // A slot that neither loop fills has a weight of exactly one, up to rounding: it is its own alias.
    var table = scaled.indices.map { AliasSlot(threshold: .max, alias: UInt32($0)) }
    while let less = small.popLast() {
      guard let more = large.popLast() else { break }
      table[less] = AliasSlot(threshold: UInt32(scaled[less] * 4_294_967_295), alias: UInt32(more))
      scaled[more] -= 1 - scaled[less]
      if scaled[more] < 1 { small.append(more) } else { large.append(more) }
    }
    return table
  }
}
