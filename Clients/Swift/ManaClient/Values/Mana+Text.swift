// Text of an amount: an optional sign, at least one digit, and optionally a point with one to six digits.

extension Mana: LosslessStringConvertible {
  /// Parses "1.5", "+500", "-10.0". Nil when the text is no amount, has more than six decimal places, or does not fit.
  ///
  /// Linear in the text. No locale, no exponent, no grouping, no spaces.
  public init?(_ text: String) {
    var rest = Substring(text).utf8
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
    let whole = rest.prefix { $0 != UInt8(ascii: ".") }
    let decimals = rest[whole.endIndex...].dropFirst()
    let hasPoint = whole.endIndex != rest.endIndex
    guard !whole.isEmpty, decimals.isEmpty != hasPoint, decimals.count <= 6 else { return nil }

    // The value is built as a negative number, because the negative range is the larger one.
    var value: Int64 = 0
    let missing = repeatElement(UInt8(ascii: "0"), count: 6 - decimals.count)
    for digits in [Array(whole), Array(decimals), Array(missing)] {
      for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
        let (shifted, shiftOverflow) = value.multipliedReportingOverflow(by: 10)
        let (next, overflow) = shifted.subtractingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
        guard !shiftOverflow, !overflow else { return nil }
        value = next
      }
    }
    guard isNegative || value != .min else { return nil }
    micromana = isNegative ? value : -value
  }

  /// The amount in decimal with one to six places and no further trailing zeros: `-1.5`, `997.0`, `0.000001`.
  public var description: String {
    let (whole, fraction) = micromana.magnitude.quotientAndRemainder(dividingBy: UInt64(Self.scale))
    let digits = String(fraction)
    var decimals = Substring(String(repeating: "0", count: 6 - digits.count) + digits)
    while decimals.count > 1, decimals.last == "0" { decimals.removeLast() }
    return "\(micromana < 0 ? "-" : "")\(whole).\(decimals)"
  }

  /// The amount with its sign always shown, as the usage page shows what was added: `+2.0`, `-1.5`, `0.0`.
  public var signedDescription: String { micromana > 0 ? "+\(self)" : description }
}

extension Mana: Codable {
  /// Decodes the decimal text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Mana(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is no amount of Mana")
    }
    self = value
  }

  /// Encodes the decimal text, because the numbers of JSON are floating-point to most of its readers.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
