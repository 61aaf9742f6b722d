internal import ManaProtocol
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Who a connection tells of what happens on it. All on the connection's event loop.
protocol ConnectionOwner: AnyObject {
  /// The handshake is complete; calls may be sent.
  func connection(_ connection: ConnectionHandler, welcomed welcome: Welcome)
  /// A reply has come to a call that still waits for one.
  func connection(_ connection: ConnectionHandler, answered call: PendingCall, _ result: Result<ByteBuffer, ManaError>)
  /// The server takes no further calls on this connection, and answers those that it has.
  func connection(_ connection: ConnectionHandler, drains reason: ManaError)
  /// Everything that had arrived is handled: there may be room for calls that wait.
  func connectionHasRoom(_ connection: ConnectionHandler)
  /// The connection is gone; `lost` were given to it and got no reply.
  func connection(_ connection: ConnectionHandler, closed reason: ManaError, lost: [PendingCall])
}

/// The hands of `ConnectionState`: moves bytes between it and a channel.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var state: ConnectionState<PendingCall>
  private let greeting: ByteBuffer
  /// Whom the certificate at the other end must name; nil in the clear.
  private let serverName: String?
  /// The DNS name that has to be in it; nil when that is the address that was connected to.
  private let dnsName: String?
  /// Whether the other end has shown who it is, so that it may be told who this client is. In the clear from the start.
  private var isTrusted: Bool
  private weak var owner: (any ConnectionOwner)?
  private var context: ChannelHandlerContext?
  /// Arrived and not taken yet.
  private var arrived = ByteBuffer()
  /// What large replies are put together in.
  private var buffers = ReplyBuffers()
  /// Whether `arrived` is the handler's own, and not the channel's.
  private var isAssembling = false
  /// Bytes that have to be there before it is worth looking at them again.
  private var awaitedBytes = 1
  /// Headers and small bodies of this turn.
  private var gathered = ByteBuffer()
  private var needsFlush = false
  /// Why the connection is being closed, once that is known.
  private var reason: ManaError?
  private var hasClosed = false

  init(expectedLedger: LedgerID?, greeting: ByteBuffer, encryption: Encryption.Initializer? = nil) {
    state = ConnectionState(expectedLedger: expectedLedger?.number ?? 0)
    self.greeting = greeting
    serverName = encryption?.name
    dnsName = encryption?.dnsName
    isTrusted = encryption == nil
  }

  var requestsInFlight: Int { state.requestsInFlight }
  /// Whether somebody waits for a reply on this connection. Linear in what is in flight.
  var hasCallers: Bool { state.hasCall { $0.isAwaited } }
  var bytesInFlight: Int { state.bytesInFlight }
  var frameBytesMax: Int { state.frameBytesMax }
  func hasRoom(forBytes bytes: Int) -> Bool { state.hasRoom(for: bytes) }

  // MARK: - The owner's side

  /// Begins the handshake. The handler waits for this, because of several attempts to connect only one is kept.
  func attach(to owner: any ConnectionOwner) {
    self.owner = owner
    guard let context, context.channel.isActive else {
      return close(ManaError(.connectionLost, execution: .notExecuted, message: "closed before the handshake"))
    }
    if isTrusted { context.writeAndFlush(wrapOutboundOut(greeting), promise: nil) }
    digest()
    self.owner?.connectionHasRoom(self)
  }

  /// Writes a call for which there is room. `flush` sends it.
  func send(_ call: PendingCall, now: NIODeadline) {
    guard let payload = call.payload else { preconditionFailure("a request has a body until it has ended") }
    let correlation = state.begin(call, call.opcode, bytes: call.frameBytes)
    call.stage = .sent(self, correlation: correlation)
    let microseconds = max(1, (call.deadline - now).nanoseconds / 1_000)
    let sentDeadline = microseconds > ClientLimits.headerDeadlineMicrosecondsMax ? 0 : UInt32(microseconds)
    gathered.writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.bytes) {
      FrameHeader.storeRequest(
        to: $0.baseAddress!, call.opcode, correlation: correlation, microseconds: sentDeadline,
        headerBytes: call.headerBytes, payloadBytes: payload.readableBytes,
        payloadChecksum: call.payloadChecksum)
      return FrameHeader.bytes
    }
    if payload.readableBytes <= ClientLimits.copiedBodyBytesMax {
      gathered.writeImmutableBuffer(payload)
      if gathered.readableBytes >= ClientLimits.gatheredBytesMax { writeGathered() }
    } else {
      writeGathered()
      context?.write(wrapOutboundOut(payload), promise: nil)
    }
    needsFlush = true
  }

  /// Sends what was written since the last flush: one system call for all of it, as a rule.
  func flush() {
    guard needsFlush else { return }
    needsFlush = false
    writeGathered()
    context?.flush()
  }

  /// Gives up a call; the connection and its other calls are not concerned.
  func abandon(_ correlation: UInt64) { state.abandon(correlation) }

  /// Closes the connection for this reason.
  func close(_ reason: ManaError) {
    if self.reason == nil { self.reason = reason }
    if let context, context.channel.isActive {
      context.close(promise: nil)
    } else {
      closed()
    }
  }

  private func writeGathered() {
    guard gathered.readableBytes > 0 else { return }
    context?.write(wrapOutboundOut(gathered), promise: nil)
    gathered = ByteBuffer()
  }

  // MARK: - The channel's side

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    while buffer.readableBytes > 0 {
      if arrived.readableBytes == 0 {
        arrived = buffer
        buffer = ByteBuffer()
      } else {
        // No more than completes the frame: the next one is read where it lies.
        let missing = isLooking ? awaitedBytes - arrived.readableBytes : buffer.readableBytes
        guard var part = buffer.readSlice(length: min(missing, buffer.readableBytes)) else { break }
        arrived.writeBuffer(&part)
      }
      digest()
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if state.isDrained {
      close(ManaError(.connectionLost, execution: .notExecuted, message: "the server shut down"))
    } else if owner != nil {
      owner?.connectionHasRoom(self)
      flush()
    }
    context.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted(let name)? = event as? TLSUserEvent {
      if let dnsName, !certificate(of: context.pipeline, names: dnsName) {
        close(ManaError(unnamed: dnsName))
      } else if name == Encryption.protocolName {
        isTrusted = true
        if owner != nil { context.writeAndFlush(wrapOutboundOut(greeting), promise: nil) }
      } else {
        close(ManaError(otherProtocol: name))
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let serverName, let failure = ManaError(tls: error, serverName: serverName, context.pipeline) {
      return close(failure)
    }
    close(
      ManaError(
        .connectionLost, execution: .notExecuted, message: "the connection failed", cause: error))
  }

  func channelInactive(context: ChannelHandlerContext) {
    closed()
    context.fireChannelInactive()
  }

  /// Whether frames are taken out of what arrives: not before the owner is there, and not after the end.
  private var isLooking: Bool { owner != nil && reason == nil }

  /// Takes every complete frame out of what has arrived.
  private func digest() {
    while isLooking, arrived.readableBytes >= awaitedBytes {
      let step = arrived.withUnsafeReadableBytes { state.step($0) }
      switch step {
      case .wait(let bytes):
        awaitedBytes = bytes
        if !isAssembling || arrived.readableBytes + arrived.writableBytes < bytes { moveArrived(roomFor: bytes) }
      case .take(let bytes, let event):
        awaitedBytes = 1
        let frame = arrived.readSlice(length: bytes) ?? ByteBuffer()
        if arrived.readableBytes == 0 { letGoOfArrived() }
        if let event { handle(event, frame) }
      }
    }
  }

  /// Moves the beginning of a frame to where all of it has room: the channel's own buffer is shared with the channel, and
  /// would be copied as a whole.
  private func moveArrived(roomFor bytes: Int) {
    var roomy = buffers.take(bytes: bytes)
    roomy.writeImmutableBuffer(arrived)
    arrived = roomy
    isAssembling = true
  }

  /// Holds no memory in which nothing is left to be read, so that it can be used again.
  private func letGoOfArrived() {
    if isAssembling { buffers.keep(arrived) }
    isAssembling = false
    arrived = ByteBuffer()
  }

  private func handle(_ event: ConnectionState<PendingCall>.Event, _ frame: ByteBuffer) {
    switch event {
    case .welcomed(let welcome):
      owner?.connection(self, welcomed: welcome)
    case .replied(let call?, let header, let body):
      owner?.connection(self, answered: call, Self.answer(to: call, header, frame, body))
    case .replyDamaged(let call?, let error):
      let error = ManaError(malformed: error, transactionID: call.transactionID)
      owner?.connection(self, answered: call, .failure(error))
    case .replied(nil, _, _), .replyDamaged(nil, _):
      break
    case .drains(let reason):
      owner?.connection(self, drains: reason)
    case .failed(let reason):
      close(reason)
    }
  }

  private static func answer(
    to call: PendingCall, _ header: FrameHeader, _ frame: ByteBuffer, _ body: Range<Int>
  ) -> Result<ByteBuffer, ManaError> {
    guard let bytes = frame.getSlice(at: frame.readerIndex + body.lowerBound, length: body.count) else {
      preconditionFailure("the body lies within its frame")
    }
    if header.status == Status.ok.rawValue { return .success(bytes) }
    do throws(ProtocolError) {
      let body = try bytes.decoded { (bytes) throws(ProtocolError) in try ErrorBody(reading: bytes) }
      return .failure(ManaError(refusedRequest: header, body: body, transactionID: call.transactionID))
    } catch {
      return .failure(ManaError(malformed: error, transactionID: call.transactionID))
    }
  }

  private func closed() {
    // Without an owner there is nobody to tell yet; `attach` comes back here.
    guard !hasClosed, let owner else { return }
    hasClosed = true
    let reason = self.reason ?? arrived.withUnsafeReadableBytes { state.errorAtEnd(unread: $0) }
    self.reason = reason
    owner.connection(self, closed: reason, lost: state.close())
    self.owner = nil
  }
}
