import CLibuv

/// An operation on a socket or a loop that the system refused.
///
/// The description names what was attempted, on which address, what the system said, and what can be done about it.
public struct EventLoopError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was attempted, as one says it: "listen", "watch a signal".
  public let operation: String
  /// The address it was attempted on, if there is one.
  public let address: ListenAddress?
  /// The symbolic name of the error, such as `EADDRINUSE`.
  public let name: String
  /// The error in words, such as "address already in use".
  public let message: String
  /// What can be done about it, if something is known to help.
  public let advice: String?

  /// - Parameter code: A libuv status, which is a negated `errno`.
  init(_ operation: String, code: Int32, address: ListenAddress? = nil, advice: String? = nil) {
    self.operation = operation
    self.address = address
    self.name = errorName(code)
    self.message = errorMessage(code)
    self.advice = advice
  }

  init(_ operation: String, name: String, message: String, address: ListenAddress? = nil, advice: String? = nil) {
    self.operation = operation
    self.address = address
    self.name = name
    self.message = message
    self.advice = advice
  }

  public var description: String {
    let place = address.map { " on \($0)" } ?? ""
    let help = advice.map { "; \($0)" } ?? ""
    return "cannot \(operation)\(place): \(message) (\(name))\(help)"
  }
}

/// The symbolic name of a libuv status, such as `ECONNRESET`.
func errorName(_ code: Int32) -> String {
  text { uv_err_name_r(code, $0, $1) }
}

/// A libuv status in words, such as "connection reset by peer".
func errorMessage(_ code: Int32) -> String {
  text { uv_strerror_r(code, $0, $1) }
}

/// Reads a text of at most 127 bytes from a C function that fills a buffer.
private func text(_ fill: (UnsafeMutablePointer<CChar>, Int) -> UnsafeMutablePointer<CChar>?) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
    buffer.initialize(repeating: 0)
    _ = fill(buffer.baseAddress!, buffer.count)
    return String(cString: buffer.baseAddress!)
  }
}
