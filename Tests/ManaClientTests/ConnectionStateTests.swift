import ManaProtocol
import Testing

@testable import ManaClient

/// A connection's state fed with bytes by hand: no channel, no clock.
private struct Fed {
  var state = ConnectionState<Int>(expectedLedger: 0)
  var unread: [UInt8] = []
  var events: [String] = []

  /// A connection whose handshake is complete.
  static func ready(requestsInFlightMax: Int = 8, bytesInFlightMax: Int = 1 << 20) -> Fed {
    var fed = Fed()
    fed.feed(
      FrameHeader.preface
        + Frames.welcome(requestsInFlightMax: requestsInFlightMax, bytesInFlightMax: bytesInFlightMax))
    fed.events = []
    return fed
  }

  mutating func feed(_ bytes: [UInt8]) {
    unread += bytes
    while !unread.isEmpty {
      let step = unread.withUnsafeBytes { state.step($0) }
      switch step {
      case .wait(let bytes):
        precondition(bytes > unread.count, "to wait for what is there already would never end")
        return
      case .take(let bytes, let event):
        if let event { events.append(Self.name(event)) }
        unread.removeFirst(bytes)
      }
    }
  }

  var end: ManaError { unread.withUnsafeBytes { state.errorAtEnd(unread: $0) } }

  private static func name(_ event: ConnectionState<Int>.Event) -> String {
    switch event {
    case .welcomed(let welcome): "welcomed by \(welcome.serverName)"
    case .replied(let call, let header, _): "\(call.map(String.init) ?? "nobody") gets \(header.correlation)"
    case .replyDamaged(let call, _): "\(call.map(String.init) ?? "nobody") gets damage"
    case .drains(let error): "drains: \(error.status?.name ?? "-")"
    case .failed(let error): "failed: \(error.code) \(error.status?.name ?? "-")"
    }
  }
}

@Suite("The state of a connection") struct ConnectionStateTests {
  @Test("A handshake may arrive in any two pieces")
  func handshakeInPieces() {
    let bytes = FrameHeader.preface + Frames.welcome()
    for cut in 0...bytes.count {
      var fed = Fed()
      fed.feed(Array(bytes[..<cut]))
      #expect(fed.events.isEmpty || cut == bytes.count, "cut at \(cut)")
      fed.feed(Array(bytes[cut...]))
      #expect(fed.events == ["welcomed by scripted/1"], "cut at \(cut)")
      #expect(fed.state.stage == .ready && fed.state.hasRoom(for: 32), "cut at \(cut)")
    }
  }

  @Test("Replies are matched by correlation id, in whatever order they come, and byte by byte")
  func outOfOrder() {
    var fed = Fed.ready()
    let ids = [10, 20, 30].map { fed.state.begin($0, .ping, bytes: 32) }
    #expect(fed.state.requestsInFlight == 3 && fed.state.bytesInFlight == 96)
    for byte in [2, 0, 1].flatMap({ Frames.reply(to: .ping, ids[$0]) }) { fed.feed([byte]) }
    #expect(fed.events == ["30 gets 3", "10 gets 1", "20 gets 2"])
    #expect(fed.state.requestsInFlight == 0 && fed.state.bytesInFlight == 0)
  }

  @Test("Wherever the connection is cut, the calls without a reply are returned, once")
  func cuts() {
    let reply = Frames.reply(to: .ping, 1) + Frames.reply(to: .ping, 2, body: [1, 2, 3, 4, 5, 6, 7, 8])
    for cut in 0...reply.count {
      var fed = Fed.ready()
      for call in [1, 2] { _ = fed.state.begin(call, .ping, bytes: 40) }
      fed.feed(Array(reply[..<cut]))
      let answered = cut == reply.count ? [1, 2] : cut >= 32 ? [1] : []
      let message = fed.end.message
      #expect(fed.state.close() == [1, 2].filter { !answered.contains($0) }, "cut at \(cut)")
      #expect(fed.state.close().isEmpty, "cut at \(cut)")
      let isBetween = cut == 0 || cut == 32 || cut == reply.count
      #expect(message.contains("middle of a reply") == !isBetween, "cut at \(cut): \(message)")
    }
  }

  @Test("The late reply to a call that was given up is dropped, and the place is free again")
  func lateReply() {
    var fed = Fed.ready(requestsInFlightMax: 2)
    let first = fed.state.begin(1, .spend, bytes: 128)
    let second = fed.state.begin(2, .ping, bytes: 32)
    fed.state.abandon(first)
    // The server still counts the call that was given up.
    #expect(!fed.state.hasRoom(for: 32))
    fed.feed(Frames.reply(to: .spend, first) + Frames.reply(to: .ping, second))
    #expect(fed.events == ["nobody gets 1", "2 gets 2"])
    #expect(fed.state.stage == .ready && fed.state.hasRoom(for: 32))
    fed.state.abandon(first)
    #expect(fed.state.close().isEmpty)
  }

  @Test("A call that was given up is not returned when the connection ends")
  func abandonedThenCut() {
    var fed = Fed.ready()
    fed.state.abandon(fed.state.begin(1, .spend, bytes: 128))
    _ = fed.state.begin(2, .spend, bytes: 128)
    #expect(fed.state.close() == [2])
  }

  @Test("The limits of the welcome are kept")
  func limits() {
    var fed = Fed.ready(requestsInFlightMax: 3, bytesInFlightMax: 1_000)
    #expect(fed.state.frameBytesMax == 1_000)
    let first = fed.state.begin(1, .post, bytes: 600)
    #expect(!fed.state.hasRoom(for: 401) && fed.state.hasRoom(for: 400))
    for call in [2, 3] { _ = fed.state.begin(call, .ping, bytes: 32) }
    #expect(!fed.state.hasRoom(for: 32))
    fed.feed(Frames.reply(to: .post, first))
    #expect(fed.state.hasRoom(for: 936) && !fed.state.hasRoom(for: 937))
  }

  @Test("A damaged reply concerns its call alone")
  func damagedReply() {
    var fed = Fed.ready()
    let ids = [1, 2].map { fed.state.begin($0, .ping, bytes: 32) }
    var damaged = Frames.reply(to: .ping, ids[0], body: [1, 2, 3, 4, 5, 6, 7, 8])
    damaged[35] ^= 1
    fed.feed(damaged + Frames.reply(to: .ping, ids[1]))
    #expect(fed.events == ["1 gets damage", "2 gets 2"])
    #expect(fed.state.stage == .ready)
  }

  @Test("goAway of a server that shuts down: no further calls, and the replies to those in flight")
  func shuttingDown() {
    var fed = Fed.ready()
    let id = fed.state.begin(1, .ping, bytes: 32)
    fed.feed(Frames.goAway(.shuttingDown))
    #expect(!fed.state.hasRoom(for: 32) && !fed.state.isDrained)
    fed.feed(Frames.reply(to: .ping, id))
    #expect(fed.events == ["drains: shuttingDown", "1 gets 1"])
    #expect(fed.state.isDrained)
  }

  @Test(
    "What a server must not send ends the connection",
    arguments: [
      ("a reply to no call", Frames.reply(to: .ping, 2), "failed: malformedReply malformedHeader"),
      ("a reply of another kind", Frames.reply(to: .spend, 1), "failed: malformedReply malformedHeader"),
      ("a second welcome", Frames.welcome(), "failed: malformedReply malformedHeader"),
      ("a flipped header", flipped(Frames.reply(to: .ping, 1)), "failed: malformedReply headerChecksumMismatch"),
      ("goAway", Frames.goAway(.malformedHeader, "length 7"), "failed: connectionLost malformedHeader"),
    ])
  func violations(name: String, bytes: [UInt8], event: String) {
    var fed = Fed.ready()
    _ = fed.state.begin(1, .ping, bytes: 32)
    fed.feed(bytes)
    #expect(fed.events == [event], "\(name)")
    #expect(fed.state.close() == [1], "\(name)")
  }

  @Test(
    "Who answers instead of a Mana server is named",
    arguments: [
      ("HTTP/1.1 400 Bad Request\r\n", "an HTTP server", ManaError.Code.notManaServer, Status.prefaceMismatch),
      ("HTTP/", "an HTTP server", .notManaServer, .prefaceMismatch),
      ("\u{15}\u{03}\u{01}\u{00}\u{02}\u{02}F", "a TLS server", .notManaServer, .prefaceMismatch),
      ("SSH-2.0-OpenSSH_9.6\r\n", "an SSH server", .notManaServer, .prefaceMismatch),
      ("-ERR unknown command", "a Redis server", .notManaServer, .prefaceMismatch),
      ("220 mail.example.com ESMTP", "a mail or FTP server", .notManaServer, .prefaceMismatch),
      ("\0\0\u{12}\u{04}\0\0\0\0\0", "an HTTP/2 server", .notManaServer, .prefaceMismatch),
      ("MANA\r\n\u{1A}\u{02}", "major version 2", .handshakeFailed, .unsupportedVersion),
      ("MANA\n\u{1A}\u{01}\u{0}", "first bytes 4D 41 4E 41 0A 1A 01 00", .notManaServer, .prefaceMismatch),
      ("garbage, and more of it", "first bytes 67 61 72 62 61 67 65 2C", .notManaServer, .prefaceMismatch),
    ])
  func strangers(bytes: String, named: String, code: ManaError.Code, status: Status) throws {
    let bytes = Array(bytes.utf8)
    var fed = Fed()
    fed.feed(bytes)
    #expect(fed.events == ["failed: \(code) \(status.name)"])
    // Byte by byte it is the same, and an end before it is certain names it too.
    for cut in 1...bytes.count {
      var fed = Fed()
      for byte in bytes[..<cut] where fed.events.isEmpty { fed.feed([byte]) }
      #expect(fed.events.isEmpty || fed.events == ["failed: \(code) \(status.name)"], "cut at \(cut)")
    }
    let error = bytes.withUnsafeBytes { fed.state.strangerError($0) }
    #expect(error.message.contains(named), "\(error)")
    #expect(error.execution == .notExecuted && error.isDefinitive)
  }

  @Test("Seven bytes of a TLS alert and an end are recognized")
  func shortStranger() {
    var fed = Fed()
    fed.feed([0x47])
    #expect(fed.events.isEmpty)
    #expect(fed.end.code == .notManaServer && fed.end.message.contains("first bytes 47"))
  }

  @Test("An end within the handshake is named", arguments: [(0, "preface"), (4, "preface"), (8, "before its welcome")])
  func earlyEnd(bytes: Int, named: String) {
    var fed = Fed()
    fed.feed(Array(FrameHeader.preface[..<bytes]))
    #expect(fed.end.message.contains(named), "\(fed.end)")
  }

  @Test(
    "goAway instead of a welcome is a failed handshake",
    arguments: [
      (Status.wrongLedger, true), (.unsupportedVersion, true), (.tooManyConnections, false), (.shuttingDown, false),
    ])
  func refusedHandshake(status: Status, isDefinitive: Bool) throws {
    var state = ConnectionState<Int>(expectedLedger: 0)
    _ = FrameHeader.preface.withUnsafeBytes { state.step($0) }
    let step = Frames.goAway(status, "because", microseconds: 5_000).withUnsafeBytes { state.step($0) }
    guard case .take(_, .failed(let error)) = step else {
      Issue.record("no failure")
      return
    }
    #expect(error.code == .handshakeFailed && error.status == status && error.message.contains("because"))
    #expect(error.retryAfter == .milliseconds(5) && error.isDefinitive == isDefinitive)
  }

  @Test("A server of another ledger is refused by the client too")
  func wrongLedger() {
    var fed = Fed(state: ConnectionState<Int>(expectedLedger: 8))
    fed.feed(FrameHeader.preface + Frames.welcome(ledger: 7))
    #expect(fed.events == ["failed: handshakeFailed wrongLedger"])
  }
}

private func flipped(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  bytes[9] ^= 1
  return bytes
}
