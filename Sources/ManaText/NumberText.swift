/// Numbers as people read them. Nothing here depends on a locale.
public enum NumberText {
  /// `value` with so many decimal places, rounded half away from zero. Its digits fit 64 bits.
  public static func fixed(_ value: Double, places: Int) -> String {
    let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
    let scaled = UInt64((value.magnitude * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % UInt64(scale))
    return sign + String(scaled / UInt64(scale)) + "." + String(repeating: "0", count: places - fraction.count)
      + fraction
  }

  /// An integer with a comma before each three digits.
  public static func grouped(_ value: some BinaryInteger) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A rate, to the integer, in the same way.
  public static func grouped(_ value: Double) -> String { grouped(Int(value.rounded())) }
}
