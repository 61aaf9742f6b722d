/// A 128-bit number that names something in a ledger. A UUID and an unsigned integer both fit.
///
/// A UUID is the number whose big-endian bytes are the UUID's. In text an identifier is the unsigned integer when it is
/// below 2^64, otherwise the UUID in lower case.
public protocol LedgerIdentifier:
  Hashable, Comparable, Codable, Sendable, LosslessStringConvertible, ExpressibleByIntegerLiteral
{
  /// The number. Zero names nothing: a call with it is refused.
  var number: UInt128 { get }
  /// The identifier with that number.
  init(_ number: UInt128)
}

// Each identifier is stored as two words and not as one UInt128, whose alignment of 16 bytes Swift 6.3.1 gets wrong
// for arguments of async functions that are passed on the stack, in unoptimized builds.

/// Names an account.
public struct AccountID: LedgerIdentifier {
  private let high: UInt64
  private let low: UInt64
  /// The identifier with this number.
  public init(_ number: UInt128) { (high, low) = words(number) }
  /// The identifier as a number.
  public var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

/// Names a ledger, so that a staging client cannot charge production.
public struct LedgerID: LedgerIdentifier {
  private let high: UInt64
  private let low: UInt64
  /// The identifier with this number.
  public init(_ number: UInt128) { (high, low) = words(number) }
  /// The identifier as a number.
  public var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

/// Names one run of a server; another one after each start.
public struct ServerInstanceID: LedgerIdentifier {
  private let high: UInt64
  private let low: UInt64
  /// The identifier with this number.
  public init(_ number: UInt128) { (high, low) = words(number) }
  /// The identifier as a number.
  public var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

/// Names a transaction within its account. Chosen by the caller, and the key that makes sending it twice harmless.
public struct TransactionID: LedgerIdentifier {
  private let high: UInt64
  private let low: UInt64
  /// The identifier with this number.
  public init(_ number: UInt128) { (high, low) = words(number) }
  /// The identifier as a number.
  public var number: UInt128 { UInt128(high) << 64 | UInt128(low) }

  /// A new random identifier, a UUID of version 4, from the system's generator.
  public static func random() -> TransactionID {
    var generator = SystemRandomNumberGenerator()
    return random(using: &generator)
  }

  /// A random identifier from `generator`, a UUID of version 4. Source: RFC 9562, section 5.4.
  public static func random(using generator: inout some RandomNumberGenerator) -> TransactionID {
    let random = UInt128(generator.next()) << 64 | UInt128(generator.next())
    let fixed = UInt128(0xF000) << 64 | UInt128(0xC000_0000_0000_0000)
    return TransactionID(random & ~fixed | UInt128(0x4000) << 64 | UInt128(0x8000_0000_0000_0000))
  }
}

private func words(_ number: UInt128) -> (high: UInt64, low: UInt64) {
  (UInt64(truncatingIfNeeded: number >> 64), UInt64(truncatingIfNeeded: number))
}

extension LedgerIdentifier {
  /// The identifier that is a UUID's sixteen bytes, in the order in which they are written; `UUID().uuid` fits.
  public init(
    uuid: (
      UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
    )
  ) {
    self.init(withUnsafeBytes(of: uuid) { bytes in bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) } })
  }

  /// The identifier that is an unsigned integer.
  public init(integerLiteral value: UInt128) { self.init(value) }

  /// Compares the numbers.
  public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

extension LedgerIdentifier {
  /// Parses a UUID, in either case, or an unsigned decimal integer. Nil for anything else, and for zero.
  public init?(_ text: String) {
    let number = text.utf8.count == 36 ? parseUUID(text) : parseDecimal(text)
    guard let number, number != 0 else { return nil }
    self.init(number)
  }

  /// The unsigned integer below 2^64, otherwise the UUID in lower case.
  public var description: String {
    if number <= UInt128(UInt64.max) { return String(number) }
    let digits = String(number, radix: 16)
    let hex = Array((String(repeating: "0", count: 32 - digits.count) + digits).utf8)
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
    return groups.map { String(decoding: hex[$0], as: UTF8.self) }.joined(separator: "-")
  }

  /// Decodes the text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is no identifier")
    }
    self = value
  }

  /// Encodes the text, because 128 bits do not fit the numbers of JSON.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

private func parseDecimal(_ text: String) -> UInt128? {
  // The standard library's parser would also take a sign, which is no part of an identifier.
  guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
  return UInt128(text)
}

private func parseUUID(_ text: String) -> UInt128? {
  var number: UInt128 = 0
  for (index, byte) in text.utf8.enumerated() {
    if index == 8 || index == 13 || index == 18 || index == 23 {
      guard byte == UInt8(ascii: "-") else { return nil }
      continue
    }
    guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
    number = number << 4 | UInt128(digit)
  }
  return number
}
