import ManaEventLoop
import ManaProtocol

extension Connection {
  /// Appends a copy of bytes that are at hand to the output of this turn. Linear.
  func commitOutput(copying bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    reserveOutput(bytes.count).copyMemory(from: base, byteCount: bytes.count)
    commitOutput(bytes.count)
  }

  /// The same for an array.
  func commitOutput(copying bytes: [UInt8]) { bytes.withUnsafeBytes { commitOutput(copying: $0) } }
}
