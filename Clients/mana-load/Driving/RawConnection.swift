import ManaClient
import ManaProtocol

/// One connection with room for a fixed number of requests in flight.
///
/// Each request has a slot: a piece of one buffer in which its frame is encoded, from which it is sent, and in which it
/// stays until its reply arrives, so that a result can be matched with its item and an unanswered request can be looked
/// up. Nothing is allocated after `init`, except when a reply is larger than any before.
///
/// Correlation ids are the slot number in the low 16 bits and a serial number above them.
final class RawConnection {
  let welcome: Welcome
  let slotCount: Int
  private let slotBytes: Int
  private let slots: UnsafeMutableRawPointer
  /// By slot: length of the frame in flight, 0 when the slot is free.
  private let lengths: UnsafeMutablePointer<Int>
  /// By slot: when its latency began.
  private let started: UnsafeMutablePointer<UInt64>
  private var free: IndexRing
  /// Slots whose frames are not sent, or the first of them not wholly.
  private var unsent: IndexRing
  /// Bytes of the first unsent frame that are sent already.
  private var unsentOffset = 0
  private var unsentBytes = 0
  private var sendList = SendList(capacity: LoadLimits.framesPerSend)
  private var serial: UInt64 = 0
  private var input: InputBuffer
  /// Why the server said that it will close; nil when it has not.
  private var farewell: String?
  let socket: Socket

  /// Connects, shakes hands, and makes room for `slotCount` requests of at most `bodyBytesMax` bytes.
  init(
    to address: ServerAddress, as credential: ManaClient.Credential?, slotCount: Int, bodyBytesMax: Int
  ) throws(LoadError) {
    let greeted = try RawHandshake.connect(to: address, as: credential)
    socket = greeted.socket
    welcome = greeted.welcome
    input = greeted.input
    self.slotCount = slotCount
    slotBytes = FrameHeader.bytes + paddedToWords(bodyBytesMax)
    slots = .allocate(byteCount: slotCount * slotBytes, alignment: 64)
    lengths = .allocate(capacity: slotCount)
    lengths.initialize(repeating: 0, count: slotCount)
    started = .allocate(capacity: slotCount)
    started.initialize(repeating: 0, count: slotCount)
    free = IndexRing(capacity: slotCount)
    unsent = IndexRing(capacity: slotCount)
    for slot in 0..<slotCount { free.append(slot) }
  }

  deinit {
    slots.deallocate()
    lengths.deallocate()
    started.deallocate()
  }

  var hasRoom: Bool { free.count > 0 }
  var inFlight: Int { slotCount - free.count }
  var hasOutput: Bool { unsent.count > 0 }
  /// Whether what is queued is worth a system call before more is encoded.
  var sendsEarly: Bool { unsentBytes >= LoadLimits.sendEarlyBytes }

  /// Encodes the source's next request and queues it; there must be room. `intended` is when it should have been sent,
  /// nil for now. False when the source has nothing further.
  func enqueue(from source: inout some RequestSource, intended: UInt64?) -> Bool {
    let slot = free[0]
    let frame = slots + slot * slotBytes
    guard let (opcode, bodyBytes) = source.encodeNext(into: frame + FrameHeader.bytes) else { return false }
    serial += 1
    FrameHeader.seal(
      frame, FrameHeader(opcode: opcode.rawValue, correlation: serial << 16 | UInt64(slot)), bodyBytes: bodyBytes)
    _ = free.removeFirst()
    lengths[slot] = FrameHeader.bytes + bodyBytes
    started[slot] = intended ?? System.now()
    unsent.append(slot)
    unsentBytes += FrameHeader.bytes + bodyBytes
    return true
  }

  /// Gives the kernel as much of the queue as it takes.
  func flush() throws(SystemError) {
    while unsent.count > 0 {
      sendList.removeAll()
      var offset = unsentOffset
      var listed = 0
      for place in 0..<unsent.count {
        let slot = unsent[place]
        guard sendList.append(slots + slot * slotBytes + offset, count: lengths[slot] - offset) else { break }
        listed += lengths[slot] - offset
        offset = 0
      }
      let sent = try socket.send(sendList)
      advance(by: sent)
      if sent < listed { return }
    }
  }

  private func advance(by sent: Int) {
    unsentBytes -= sent
    var left = sent + unsentOffset
    while unsent.count > 0, left >= lengths[unsent[0]] { left -= lengths[unsent.removeFirst()] }
    unsentOffset = left
  }

  /// The request that `reply` answers.
  private func request(answeredBy reply: FrameHeader) throws(LoadError) -> RequestView {
    let slot = Int(reply.correlation & 0xFFFF)
    guard slot < slotCount, lengths[slot] > 0, (slots + slot * slotBytes).correlation == reply.correlation else {
      throw .protocolViolation("The server answered a request that was not asked (correlation \(reply.correlation)).")
    }
    let view = request(in: slot)
    guard reply.opcode == view.opcode.rawValue | Opcode.replyBit else {
      throw .protocolViolation("The server answered \(view.opcode) with opcode \(reply.opcode).")
    }
    return view
  }

  /// What `receive` found.
  enum Received {
    /// Nothing has arrived.
    case nothing
    /// Something has, for `parse`.
    case bytes
    /// The connection is over, for this reason.
    case end(String)
  }

  /// Takes from the kernel what is there, as far as there is room.
  func receive() -> Received {
    do throws(SystemError) {
      switch try input.receive(from: socket) {
      case nil: return .nothing
      case 0: return .end(farewell ?? "the server closed the connection")
      default: return .bytes
      }
    } catch {
      return .end(farewell ?? "\(error)")
    }
  }

  /// Gives each complete reply to the source and frees its slot. Whether there was one.
  func parse(_ source: inout some RequestSource) throws(LoadError) -> Bool {
    var answered = false
    while let reply = try nextReply() {
      try accept(reply, &source)
      input.consume(reply.header.length)
      answered = true
    }
    return answered
  }

  /// The frame at the front of the input, checked; nil when it is not there whole.
  private func nextReply() throws(LoadError) -> ReplyView? {
    guard input.count >= FrameHeader.bytes else { return nil }
    do throws(ProtocolError) {
      let header = try FrameHeader(reading: input.first)
      guard input.count >= header.length else {
        input.makeRoom(for: header.length)
        return nil
      }
      return ReplyView(header: header, body: try header.body(at: input.first))
    } catch {
      throw .protocolViolation("The server sent what the protocol does not allow: \(error)")
    }
  }

  private func accept(_ reply: ReplyView, _ source: inout some RequestSource) throws(LoadError) {
    if reply.header.opcode == Opcode.goAway.rawValue {
      farewell = reply.errorText()
      return
    }
    let request = try request(answeredBy: reply.header)
    try source.completed(request, reply, nowNanoseconds: System.now())
    let slot = Int(reply.header.correlation & 0xFFFF)
    lengths[slot] = 0
    free.append(slot)
  }

  /// Hands every unanswered request to the source. The connection is not used again.
  func abandon(to source: inout some RequestSource, reason: String) throws(LoadError) {
    for slot in 0..<slotCount where lengths[slot] > 0 { try source.lost(request(in: slot), reason: reason) }
  }

  private func request(in slot: Int) -> RequestView {
    let frame = UnsafeRawPointer(slots + slot * slotBytes)
    guard let opcode = Opcode(rawValue: frame.u8(6)) else { preconditionFailure("an opcode that was not sent") }
    return RequestView(
      opcode: opcode,
      body: UnsafeRawBufferPointer(start: frame + FrameHeader.bytes, count: lengths[slot] - FrameHeader.bytes),
      startedNanoseconds: started[slot])
  }
}

extension UnsafeMutableRawPointer {
  /// Of the frame that begins here.
  fileprivate var correlation: UInt64 { UnsafeRawPointer(self).u64(8) }
}
