/// Why bytes are not an amount.
enum AmountProblem: Error {
  case notDecimal
  case tooPrecise
  case tooLarge

  /// What follows the amount in a message.
  var description: String {
    switch self {
    case .notDecimal: "is not a decimal number like 1.5"
    case .tooPrecise: "has more than six decimal places"
    case .tooLarge: "is above 9223372036854.775807"
    }
  }
}

/// An unsigned decimal such as `1.5` in micromana, exactly. Linear, without allocation.
func parseAmount(_ bytes: UnsafeRawBufferPointer) -> Result<UInt64, AmountProblem> {
  var value: UInt64 = 0
  var decimals = -1
  var digits = 0
  for byte in bytes {
    if byte == UInt8(ascii: "."), decimals < 0, digits > 0 {
      decimals = 0
      continue
    }
    let digit = byte &- UInt8(ascii: "0")
    guard digit < 10 else { return .failure(.notDecimal) }
    digits += 1
    if decimals >= 0 {
      decimals += 1
      guard decimals <= 6 || digit == 0 else { return .failure(.tooPrecise) }
      if decimals > 6 { continue }
    }
    guard append(digit, to: &value) else { return .failure(.tooLarge) }
  }
  guard digits > 0, decimals != 0 else { return .failure(.notDecimal) }
  for _ in min(max(decimals, 0), 6)..<6 {
    guard append(0, to: &value) else { return .failure(.tooLarge) }
  }
  return value <= UInt64(Int64.max) ? .success(value) : .failure(.tooLarge)
}

/// A whole number without a sign; nil when it is none or does not fit.
func parseInteger(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
  var value: UInt64 = 0
  for byte in bytes {
    let digit = byte &- UInt8(ascii: "0")
    guard digit < 10, append(digit, to: &value) else { return nil }
  }
  return bytes.isEmpty ? nil : value
}

/// An account or a transaction id: an unsigned integer or a UUID. Nil when it is neither.
func parseIdentifier(_ bytes: UnsafeRawBufferPointer) -> UInt128? {
  if let number = parseInteger(bytes) { return UInt128(number) }
  if bytes.count == 36 { return parseUUID(bytes) }
  var value: UInt128 = 0
  for byte in bytes {
    let digit = byte &- UInt8(ascii: "0")
    guard digit < 10 else { return nil }
    let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
    let (sum, overflowedAgain) = product.addingReportingOverflow(UInt128(digit))
    guard !overflowed, !overflowedAgain else { return nil }
    value = sum
  }
  return bytes.isEmpty ? nil : value
}

/// The number whose big-endian bytes a UUID spells.
private func parseUUID(_ bytes: UnsafeRawBufferPointer) -> UInt128? {
  var value: UInt128 = 0
  for (index, byte) in bytes.enumerated() {
    if index == 8 || index == 13 || index == 18 || index == 23 {
      guard byte == UInt8(ascii: "-") else { return nil }
      continue
    }
    let digit: UInt8
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
    default: return nil
    }
    value = value << 4 | UInt128(digit)
  }
  return value
}

/// Appends a decimal digit; false when the value would not fit.
@inline(__always)
private func append(_ digit: UInt8, to value: inout UInt64) -> Bool {
  let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
  let (sum, overflowedAgain) = product.addingReportingOverflow(UInt64(digit))
  value = sum
  return !overflowed && !overflowedAgain
}
