import ManaClient
import ManaProtocol

/// A socket on which the handshake is done: what the server said about itself, and what it has sent since.
struct GreetedSocket: ~Copyable {
  let socket: Socket
  let welcome: Welcome
  let input: InputBuffer
}

/// The preface and the first frame each way, on a blocking socket: the bytes of `Protocol/PROTOCOL.md` sections 2 and 4.
enum RawHandshake {
  static let clientName = "mana-load"

  /// Connects and shakes hands. Throws `unreachable`, saying what to do.
  static func connect(
    to address: ServerAddress, as credential: ManaClient.Credential?
  ) throws(LoadError) -> GreetedSocket {
    var input = InputBuffer(capacity: LoadLimits.inputBytes)
    let socket = try reach(address, credential, &input)
    do throws(ProtocolError) {
      let welcome = try parse(&input)
      return GreetedSocket(socket: socket, welcome: welcome, input: input)
    } catch {
      throw .unreachable("\(address) does not let this client in: \(error)")
    }
  }

  /// A socket on which the preface and the first frame have arrived, for `parse`.
  private static func reach(
    _ address: ServerAddress, _ credential: ManaClient.Credential?, _ input: inout InputBuffer
  ) throws(LoadError) -> Socket {
    do throws(SystemError) {
      let socket = try Socket.connect(to: address, timeoutNanoseconds: LoadLimits.handshakeNanoseconds)
      try sendHello(on: socket, as: credential)
      // A server that says more than its preface begins a frame; its length is in the header.
      let greetingBytes = FrameHeader.preface.count + FrameHeader.bytes
      try receive(greetingBytes, from: socket, into: &input)
      try receive(greetingBytes + announcedBodyBytes(input), from: socket, into: &input)
      try socket.makeNonBlocking()
      return socket
    } catch {
      throw .unreachable(advice(address, error))
    }
  }

  private static func sendHello(
    on socket: borrowing Socket, as credential: ManaClient.Credential?
  ) throws(SystemError) {
    var random = SystemRandomNumberGenerator()
    let instance = UInt128(random.next()) << 64 | UInt128(random.next())
    let body = Hello(instance: instance, clientName: clientName, token: credential?.token).encoded
    let bytes = FrameHeader.preface.count + FrameHeader.bytes + body.count
    let base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
    defer { base.deallocate() }
    for (offset, byte) in FrameHeader.preface.enumerated() { base.store(u8: byte, offset) }
    let frame = base + FrameHeader.preface.count
    for (offset, byte) in body.enumerated() { frame.store(u8: byte, FrameHeader.bytes + offset) }
    FrameHeader.seal(frame, FrameHeader(opcode: Opcode.hello.rawValue, correlation: 0), bodyBytes: body.count)
    var list = SendList(capacity: 1)
    var sent = 0
    while sent < bytes {
      list.removeAll()
      _ = list.append(base + sent, count: bytes - sent)
      let count = try socket.send(list)
      guard count > 0 else { throw .timedOut("send") }
      sent += count
    }
  }

  /// Receives until the buffer holds `count` bytes.
  private static func receive(
    _ count: Int, from socket: borrowing Socket, into input: inout InputBuffer
  ) throws(SystemError) {
    input.makeRoom(for: count)
    while input.count < count {
      guard let received = try input.receive(from: socket) else { throw .timedOut("recv") }
      guard received > 0 else { throw .closed("recv") }
    }
  }

  /// Length of the body of the frame behind the preface; 0 when there is no frame of version 1.
  private static func announcedBodyBytes(_ input: borrowing InputBuffer) -> Int {
    do throws(ProtocolError) {
      return try FrameHeader(reading: input.first + FrameHeader.preface.count).length - FrameHeader.bytes
    } catch {
      // Whoever parses the same bytes next says what is wrong with them.
      return 0
    }
  }

  private static func parse(_ input: inout InputBuffer) throws(ProtocolError) -> Welcome {
    for (offset, byte) in FrameHeader.preface.enumerated() where input.first.u8(offset) != byte {
      throw ProtocolError(.prefaceMismatch, "it answers in another protocol and is no Mana ledger")
    }
    input.consume(FrameHeader.preface.count)
    let header = try FrameHeader(reading: input.first)
    let reply = ReplyView(header: header, body: try header.body(at: input.first))
    guard header.opcode == Opcode.welcome.rawValue else {
      throw ProtocolError(reply.status ?? .helloExpected, reply.errorText())
    }
    let welcome = try Welcome(reading: reply.body)
    input.consume(header.length)
    return welcome
  }

  private static func advice(_ address: ServerAddress, _ error: SystemError) -> String {
    let cause = "No Mana ledger answers at \(address) (\(error))."
    guard error.isRefusal else { return cause + " Name the right one with --server or MANA_SERVER." }
    return cause + " Start one with `mana-server`, or name another with --server or MANA_SERVER."
  }
}
