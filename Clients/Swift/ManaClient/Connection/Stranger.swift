internal import ManaProtocol

/// What the first bytes of something that is not a Mana server tell about it.
enum Stranger: String {
  case http = "an HTTP server"
  case http2 = "an HTTP/2 server"
  case tls = "a TLS server"
  case ssh = "an SSH server"
  case mail = "a mail or FTP server"
  case redis = "a Redis server"
  case newerMana = "a Mana server of another protocol version"

  /// Nil when the bytes are too few or not known.
  init?(_ bytes: UnsafeRawBufferPointer) {
    let canary = FrameHeader.preface.dropLast()
    if bytes.count > canary.count, bytes.starts(with: canary) {
      self = .newerMana
    } else if bytes.starts(with: "HTTP/".utf8) {
      self = .http
    } else if bytes.starts(with: "SSH-".utf8) {
      self = .ssh
    } else if bytes.starts(with: "220".utf8) {
      self = .mail
    } else if bytes.starts(with: "-ERR".utf8) {
      self = .redis
    } else if bytes.count >= 2, bytes[0] == 0x15 || bytes[0] == 0x16, bytes[1] == 0x03 {
      // A TLS record: an alert or a handshake message of major version 3.
      self = .tls
    } else if bytes.count >= 4, bytes[0] == 0, bytes[1] == 0, bytes[3] == 0x04 {
      // A SETTINGS frame, the first thing that an HTTP/2 server sends: three bytes of length, then its type.
      self = .http2
    } else {
      return nil
    }
  }
}

extension ConnectionState {
  /// The error for bytes that are no preface.
  func strangerError(_ bytes: UnsafeRawBufferPointer) -> ManaError {
    let stranger = Stranger(bytes)
    if stranger == .newerMana {
      let version = bytes[FrameHeader.preface.count - 1]
      return ManaError(
        .handshakeFailed, execution: .notExecuted,
        message: "the server speaks major version \(version) of the protocol, this client version 1",
        status: .unsupportedVersion)
    }
    let shown = bytes.prefix(ClientLimits.strangerBytesMax).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return digits.count < 2 ? "0\(digits)" : digits
    }
    let looks = stranger.map { "it looks like \($0.rawValue)" } ?? "it is nothing this client knows"
    return ManaError(
      .notManaServer, execution: .notExecuted,
      message: "what answered is not a Mana server: \(looks) (first bytes \(shown.joined(separator: " ")))",
      status: .prefaceMismatch)
  }

  /// Why a connection is lost that ends while `unread` has arrived and not been taken.
  func errorAtEnd(unread: UnsafeRawBufferPointer) -> ManaError {
    switch stage {
    case .awaitingPreface where !unread.isEmpty && !FrameHeader.preface.starts(with: unread):
      strangerError(unread)
    case .awaitingPreface:
      ManaError(
        .notManaServer, execution: .notExecuted, message: "the connection was closed without a Mana server's preface")
    case .awaitingWelcome:
      ManaError(
        .handshakeFailed, execution: .notExecuted, message: "the server closed the connection before its welcome")
    case .draining:
      ManaError(.connectionLost, execution: .notExecuted, message: "the server shut down")
    case .ready, .closed:
      ManaError(
        .connectionLost, execution: .notExecuted,
        message: unread.isEmpty
          ? "the server closed the connection" : "the connection was cut in the middle of a reply")
    }
  }

  /// The error for bytes that the protocol does not allow.
  static func violation(_ error: ProtocolError) -> ManaError {
    ManaError(
      .malformedReply, execution: .notExecuted, message: "the server broke the protocol: \(error.message)",
      status: error.status, cause: error)
  }
}
