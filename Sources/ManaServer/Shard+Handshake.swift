import Logging
import ManaAccess
import ManaEventLoop
import ManaJournal
import ManaProtocol

/// The first bytes of a connection: the preface, or what another protocol says instead, then `hello` and `welcome`.
extension Shard {
  /// Takes the preface and the hello out of the input once they are there whole. Nil when the session is established.
  func shakeHands(_ session: Session) -> Step? {
    let input = session.connection.input
    let preface = FrameHeader.preface
    if context.tls != nil, !session.connection.isEncrypted { return answerPlainCaller(session) }
    guard zip(input, preface).allSatisfy({ $0 == $1 }) else { return answerStranger(session) }
    guard input.count >= preface.count + FrameHeader.bytes, let base = input.baseAddress else { return .needsInput }
    do throws(ProtocolError) {
      let frame = base + preface.count
      let header = try FrameHeader(reading: frame)
      guard header.opcode == Opcode.hello.rawValue else {
        throw ProtocolError(.helloExpected, "the first frame has opcode \(header.opcode) instead of hello")
      }
      guard header.length <= Limits.helloBytesMax else {
        throw ProtocolError(.frameTooLarge, "a hello of \(header.length) bytes; the most is \(Limits.helloBytesMax)")
      }
      guard input.count >= preface.count + header.length else {
        session.connection.expect(preface.count + header.length)
        return .needsInput
      }
      try welcome(session, header, try header.body(at: frame))
      session.connection.consume(preface.count + header.length)
      session.arrivals.consume(preface.count + header.length)
      return nil
    } catch {
      refuseConnection(session, error)
      return .closed
    }
  }

  private func welcome(
    _ session: Session, _ header: FrameHeader, _ body: UnsafeRawBufferPointer
  ) throws(ProtocolError) {
    guard header.flags.isEmpty, header.status == 0, header.reserved == 0, header.correlation == 0 else {
      throw ProtocolError(.malformedHello, "the header of a hello has fields set that must be zero")
    }
    let hello = try Hello(reading: body)
    let ledger = context.identity.ledgerID
    guard hello.ledger == 0 || hello.ledger == ledger else {
      throw ProtocolError(
        .wrongLedger,
        "the client expects ledger \(hexadecimal(hello.ledger)), this is \(hexadecimal(ledger))")
    }
    try authenticate(session, hello)
    session.frameBytesMax = min(hello.frameBytesMax, Limits.frameBytesMax)
    session.stage = .established
    logger.debug(
      "connection established",
      metadata: [
        "peer": "\(session.connection.peer)", "client": "\(hello.clientName)",
        "credential": "\(session.credential?.label ?? "none")",
      ])
    let answer = Welcome(
      shardCount: context.identity.shardCount, ledger: ledger, instance: context.instance,
      shardHashSeed: context.identity.shardHashSeed, time: now, serverName: "mana-server \(serverVersion)")
    session.connection.commitOutput(copying: FrameHeader.preface)
    send(FrameHeader(opcode: Opcode.welcome.rawValue, correlation: 0), with: answer.encoded, to: session)
    if isDraining { sendGoAway(to: session, ProtocolError(.shuttingDown, "this server is shutting down")) }
  }

  /// Tells a caller that speaks in the clear where TLS is required, in its own language, and closes.
  private func answerPlainCaller(_ session: Session) -> Step {
    switch Stranger(firstBytes: session.connection.input) {
    case .undecided, .http, .tls: return answerStranger(session)
    case .unknown:
      refuseConnection(
        session,
        ProtocolError(
          .prefaceMismatch, "this port speaks TLS 1.3 with the application protocol mana/1; connect with TLS"))
      return .closed
    }
  }

  /// Answers a caller of another protocol in its own language, and closes.
  private func answerStranger(_ session: Session) -> Step {
    let input = session.connection.input
    switch Stranger(firstBytes: input) {
    case .undecided:
      return .needsInput
    case .http:
      session.connection.commitOutput(copying: Stranger.httpAnswer)
    case .tls:
      session.connection.commitOutput(copying: Stranger.tlsAlert)
    case .unknown:
      refuseConnection(
        session, ProtocolError(.prefaceMismatch, "this is a Mana ledger; a client begins with the preface 'MANA'"))
      return .closed
    }
    metrics.connectionsEnded.add(Int(Status.prefaceMismatch.rawValue))
    auditRefusal(of: session, Status.prefaceMismatch.name, reason: "the caller speaks another protocol")
    session.stage = .closing
    session.connection.close(afterFlushing: true)
    return .closed
  }

  /// A ledger id as it is printed for people.
  private func hexadecimal(_ id: UInt128) -> String { String(id, radix: 16) }
}

/// What a connection that does not begin with the preface seems to speak.
enum Stranger {
  case http
  case tls
  case unknown
  /// Too few bytes to tell.
  case undecided

  private static let methods = ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "PRI "]

  init(firstBytes bytes: some Collection<UInt8>) {
    let start = Array(bytes.prefix(8))
    if start.first == 0x16 {
      self = start.count < 2 ? .undecided : start[1] == 0x03 ? .tls : .unknown
      return
    }
    for method in Self.methods {
      let name = Array(method.utf8)
      if start.starts(with: name.prefix(start.count)) {
        self = start.count >= name.count ? .http : .undecided
        return
      }
    }
    self = .unknown
  }

  static let httpAnswer: [UInt8] = {
    let text =
      "This is a Mana ledger. It speaks the Mana wire protocol, not HTTP; use the mana command or a Mana client.\n"
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return Array("\(head)Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)".utf8)
  }()

  /// A TLS 1.2 record with a fatal `protocol_version` alert.
  static let tlsAlert: [UInt8] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]
}
