import ManaProtocol

/// A request where it lies, in the buffer that it was sent from. Valid during the call that passes it.
struct RequestView {
  let opcode: Opcode
  /// The body as it was sent.
  let body: UnsafeRawBufferPointer
  /// When its latency begins: when it was ready to be sent, or, in an open loop, when it was meant to be. In
  /// nanoseconds of `System.now()`.
  let startedNanoseconds: UInt64
}

/// A reply where it lies, its checksums compared. Valid during the call that passes it.
struct ReplyView {
  let header: FrameHeader
  let body: UnsafeRawBufferPointer

  /// Nil when the status is none that version 1 knows.
  var status: Status? { Status(rawValue: header.status) }

  /// What a request error says for people.
  func errorText() -> String {
    let name = status?.name ?? "status \(header.status)"
    do throws(ProtocolError) {
      let text = try ErrorBody(reading: body).text
      return text.isEmpty ? name : "\(name): \(text)"
    } catch {
      return name
    }
  }
}

/// Where requests come from and what becomes of them. A driver makes one call after the other.
protocol RequestSource: Sendable {
  /// Most bytes that `encodeNext` writes.
  var bodyBytesMax: Int { get }

  /// Writes the body of the next request to `body`. Nil when there is nothing further to ask.
  mutating func encodeNext(into body: UnsafeMutableRawPointer) -> (opcode: Opcode, bodyBytes: Int)?

  /// A reply has arrived. Throws when it ends the run.
  mutating func completed(
    _ request: RequestView, _ reply: ReplyView, nowNanoseconds: UInt64
  ) throws(LoadError)

  /// The connection ended without a reply. Throws when that ends the run.
  mutating func lost(_ request: RequestView, reason: String) throws(LoadError)

  /// Called between two waits, at least some times a second; the place for progress.
  mutating func turn(nowNanoseconds: UInt64)
}

/// When requests are sent.
struct Pacing: Sendable {
  /// Open loop: requests a second, at even distances, whatever the replies do. Nil is the closed loop: a request is sent
  /// as soon as there is room for one in flight.
  var requestsPerSecond: Double?
  /// No request is sent after this moment of `System.now()`; nil for none.
  var deadlineNanoseconds: UInt64?

  static let closed = Pacing()
}
