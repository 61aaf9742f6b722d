// What a connection carries, as the client sees it: preface (8 bytes), then frames. See FrameHeader.swift of
// ManaProtocol for a frame's header, Handshake.swift for hello and welcome.

internal import ManaProtocol

/// The state of one connection: a pure machine that takes bytes and calls, and returns what is to be done.
///
/// It does no I/O, reads no clock and knows no SwiftNIO; `Call` is whatever its owner wants to get back with a reply.
/// A call that was given up (expired, cancelled) leaves its place taken until its late reply has come, because the
/// server counts it until then.
struct ConnectionState<Call> {
  enum Stage: Equatable {
    /// Preface and hello are sent; the server's preface is awaited.
    case awaitingPreface
    /// The server's preface has come; its welcome is awaited.
    case awaitingWelcome
    /// Calls go back and forth.
    case ready
    /// The server takes no further calls, and answers those that it has.
    case draining
    /// Nothing more comes or goes.
    case closed
  }

  /// What has come.
  enum Event {
    /// The handshake is complete.
    case welcomed(Welcome)
    /// A reply to a call, whose body lies at `body`, counted from the first byte that was looked at. The call is nil
    /// when it was given up before.
    case replied(Call?, FrameHeader, body: Range<Int>)
    /// A reply whose body was damaged on its way. Other calls are not concerned.
    case replyDamaged(Call?, ProtocolError)
    /// The server takes no further calls.
    case drains(ManaError)
    /// The connection cannot be used any more and is to be closed.
    case failed(ManaError)
  }

  /// What is to be done with the bytes that were looked at.
  enum Step {
    /// Look again when there are this many.
    case wait(bytes: Int)
    /// Drop this many, and act on the event.
    case take(bytes: Int, Event?)
  }

  private struct Flight {
    var call: Call?
    var opcode: Opcode
    var bytes: Int
  }

  private(set) var stage = Stage.awaitingPreface
  private var flights: [UInt64: Flight] = [:]
  private var correlationNext: UInt64 = 1
  /// Bytes of the calls in flight, given up ones included.
  private(set) var bytesInFlight = 0
  private var limits = (requests: 0, bytes: 0, frame: 0)
  private let expectedLedger: UInt128

  /// - Parameter expectedLedger: the ledger that has to be at the other end; 0 for any.
  init(expectedLedger: UInt128) { self.expectedLedger = expectedLedger }

  /// Calls in flight, given up ones included.
  var requestsInFlight: Int { flights.count }

  /// Whether a call in flight has not been given up, and `isAwaited` holds for it. Linear.
  func hasCall(where isAwaited: (Call) -> Bool) -> Bool {
    flights.values.contains { flight in flight.call.map(isAwaited) ?? false }
  }

  /// Largest frame that may be sent, in bytes; 0 before the welcome.
  var frameBytesMax: Int { limits.frame }

  /// Whether the server has answered everything it will answer.
  var isDrained: Bool { stage == .draining && flights.isEmpty }

  /// Whether a frame of `bytes` bytes can be sent now without meeting a limit of the server.
  func hasRoom(for bytes: Int) -> Bool {
    stage == .ready && flights.count < limits.requests && bytesInFlight + bytes <= limits.bytes
  }

  /// Begins a call for which `hasRoom` holds, and gives it its correlation id.
  mutating func begin(_ call: Call, _ opcode: Opcode, bytes: Int) -> UInt64 {
    precondition(hasRoom(for: bytes), "a call begins where there is room for it")
    let correlation = correlationNext
    correlationNext += 1
    flights[correlation] = Flight(call: call, opcode: opcode, bytes: bytes)
    bytesInFlight += bytes
    return correlation
  }

  /// Gives a call up: its reply, when it comes, is dropped.
  mutating func abandon(_ correlation: UInt64) { flights[correlation]?.call = nil }

  /// The connection is gone. Returns the calls that will get no reply.
  mutating func close() -> [Call] {
    stage = .closed
    let calls = flights.sorted { $0.key < $1.key }.compactMap(\.value.call)
    flights = [:]
    bytesInFlight = 0
    return calls
  }
}

extension ConnectionState {
  /// Looks at what has arrived and not been taken yet. Linear in the frame that comes first.
  mutating func step(_ arrived: UnsafeRawBufferPointer) -> Step {
    switch stage {
    case .awaitingPreface: return preface(arrived)
    case .closed: return .take(bytes: arrived.count, nil)
    case .awaitingWelcome, .ready, .draining: break
    }
    guard arrived.count >= FrameHeader.bytes, let base = arrived.baseAddress else {
      return .wait(bytes: FrameHeader.bytes)
    }
    do throws(ProtocolError) {
      let header = try FrameHeader(reading: base)
      guard arrived.count >= header.length else { return .wait(bytes: header.length) }
      return .take(bytes: header.length, try frame(header, at: base))
    } catch {
      return .take(bytes: arrived.count, .failed(Self.violation(error)))
    }
  }

  private mutating func preface(_ arrived: UnsafeRawBufferPointer) -> Step {
    let expected = FrameHeader.preface
    let same = zip(arrived, expected).prefix { $0 == $1 }.count
    if same == expected.count {
      stage = .awaitingWelcome
      return .take(bytes: expected.count, nil)
    }
    // A stranger is named as soon as its first bytes tell what it is.
    if same == arrived.count || (arrived.count < expected.count && Stranger(arrived) == nil) {
      return .wait(bytes: arrived.count + 1)
    }
    return .take(bytes: arrived.count, .failed(strangerError(arrived)))
  }

  private mutating func frame(_ header: FrameHeader, at base: UnsafeRawPointer) throws(ProtocolError) -> Event? {
    if header.opcode == Opcode.goAway.rawValue {
      return goAway(header, ErrorBody(orNil: try header.body(at: base)))
    }
    if stage == .awaitingWelcome {
      guard header.opcode == Opcode.welcome.rawValue else {
        throw ProtocolError(.helloExpected, "the first frame of the server is \(header.opcode), not a welcome")
      }
      return welcome(try Welcome(reading: try header.body(at: base)))
    }
    return try reply(header, at: base)
  }

  private mutating func welcome(_ welcome: Welcome) -> Event {
    guard expectedLedger == 0 || welcome.ledger == expectedLedger else {
      stage = .closed
      return .failed(
        ManaError(
          .handshakeFailed, execution: .notExecuted,
          message: "this is ledger \(LedgerID(welcome.ledger)), and \(LedgerID(expectedLedger)) is expected",
          status: .wrongLedger))
    }
    stage = .ready
    limits = (
      welcome.requestsInFlightMax, welcome.bytesInFlightMax, min(welcome.frameBytesMax, Limits.frameBytesMax)
    )
    // A server whose limits let no frame of its own size through would stall the first large batch for ever.
    limits.frame = min(limits.frame, limits.bytes)
    return .welcomed(welcome)
  }

  private mutating func goAway(_ header: FrameHeader, _ body: ErrorBody?) -> Event {
    let wasReady = stage != .awaitingWelcome
    let error = ManaError(goAway: header, body: body, during: wasReady ? .connectionLost : .handshakeFailed)
    if wasReady, header.status == Status.shuttingDown.rawValue {
      stage = .draining
      return .drains(error)
    }
    stage = stage == .awaitingWelcome ? .closed : stage
    return .failed(error)
  }

  private mutating func reply(_ header: FrameHeader, at base: UnsafeRawPointer) throws(ProtocolError) -> Event {
    guard let flight = flights[header.correlation] else {
      throw ProtocolError(.malformedHeader, "a reply to call \(header.correlation), which is not in flight")
    }
    guard header.opcode == flight.opcode.rawValue | Opcode.replyBit else {
      throw ProtocolError(.malformedHeader, "a reply of kind \(header.opcode) to a call of kind \(flight.opcode)")
    }
    flights[header.correlation] = nil
    bytesInFlight -= flight.bytes
    do throws(ProtocolError) {
      _ = try header.body(at: base)
      try header.checkReplyReserved()
    } catch {
      return .replyDamaged(flight.call, error)
    }
    return .replied(flight.call, header, body: header.headerBytes..<header.length)
  }
}

extension ErrorBody {
  /// Nil for a body that does not follow the protocol: the status says enough.
  init?(orNil body: UnsafeRawBufferPointer) {
    do throws(ProtocolError) { try self.init(reading: body) } catch { return nil }
  }
}
