// UTF-8 as the Unicode standard defines it (table 3-7 of its section 3.9), checked without allocation.

import ManaProtocol

enum TextCheck {
  /// Whether `count` bytes are valid UTF-8. Linear; eight bytes at a time while they are ASCII.
  static func isValid(_ base: UnsafeRawPointer, count: Int) -> Bool {
    var index = 0
    while index < count {
      if index + 8 <= count && base.u64(index) & 0x8080_8080_8080_8080 == 0 {
        index += 8
        continue
      }
      let length = scalarLength(base + index, count: count - index)
      if length == 0 { return false }
      index += length
    }
    return true
  }

  /// Bytes of the scalar at `base`, 0 when it is not valid. `count` is at least 1.
  private static func scalarLength(_ base: UnsafeRawPointer, count: Int) -> Int {
    let first = base.u8(0)
    if first < 0x80 { return 1 }
    // The second byte's range depends on the first: it rules out overlong forms, surrogates and what is above U+10FFFF.
    let (length, second): (Int, ClosedRange<UInt8>)
    switch first {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard count >= length, second.contains(base.u8(1)) else { return 0 }
    for index in 2..<max(2, length) where base.u8(index) & 0xC0 != 0x80 { return 0 }
    return length
  }
}
