import CLibuv
import Glibc

/// The way into a loop for sockets that another loop has accepted. `Sendable`, unlike the loop.
public struct Inlet: Sendable {
  private let mailbox: Mailbox<AcceptedSocket>

  init(waker: Waker) {
    mailbox = Mailbox(waker: waker)
  }

  /// Hands a connection over; its loop reports it as accepted. From any thread.
  ///
  /// - Returns: False if that loop has stopped; the socket is then closed.
  @discardableResult
  public func hand(_ socket: consuming AcceptedSocket) -> Bool {
    mailbox.send(socket)
  }

  func drain(_ body: (consuming AcceptedSocket) -> Void) {
    mailbox.drain(body)
  }

  func close() {
    mailbox.close()
  }

  func isSame(as other: Inlet) -> Bool { mailbox === other.mailbox }
}

extension EventLoop {
  /// Takes over a connected socket. The delegate hears of it as accepted before its next turn. On the loop's thread.
  ///
  /// - Throws: When the system refuses the descriptor, which is then closed.
  public func adopt(_ socket: consuming AcceptedSocket) throws(EventLoopError) {
    try state.adopt(socket)
  }

  /// Takes over what other loops have handed over.
  func takeOver() {
    inlet.drain { socket in state.adoptOrShed(socket) }
  }
}

extension UnsafeMutablePointer where Pointee == LoopState {
  /// Takes over a socket that nobody waits for the result of.
  func adoptOrShed(_ socket: consuming AcceptedSocket) {
    do throws(EventLoopError) {
      try adopt(socket)
    } catch {
      // The descriptor is closed; its peer sees that, and the counter is what the operator sees.
      pointee.counters.shed &+= 1
    }
  }

  func adopt(_ socket: consuming AcceptedSocket) throws(EventLoopError) {
    let connection = Connection(loop: self, peer: Peer(of: socket.descriptor))
    let connectionState = connection.state
    if let context = socket.tls {
      guard let tls = TLSPointer.make(context, for: connectionState) else {
        connectionState.pointee.phase = .closed
        throw EventLoopError("take over a connection", code: UV_ENOMEM.rawValue)
      }
      connectionState.pointee.tls = tls
    }
    let stream: UnsafeMutablePointer<uv_stream_t>
    switch open(socket) {
    case .success(let opened): stream = opened
    case .failure(let failure):
      connectionState.pointee.phase = .closed
      connectionState.releaseBuffers()
      throw EventLoopError("take over a connection", code: failure.code)
    }
    stream.pointee.data = UnsafeMutableRawPointer(connectionState)
    connectionState.pointee.stream = stream
    connectionState.pointee.facade = Unmanaged.passRetained(connection)
    pointee.counters.adopted &+= 1
    insert(connectionState)
    connectionState.raise(.accepted)
    connectionState.updateReading()
  }

  /// Makes a handle of a descriptor, which it owns from then on.
  private func open(
    _ socket: consuming AcceptedSocket
  ) -> Result<UnsafeMutablePointer<uv_stream_t>, SystemFailure> {
    var isUnix = false
    if case .success(let address) = SystemCalls.localAddress(socket.descriptor) { isUnix = address.family == AF_UNIX }
    let bytes = uv_handle_size(isUnix ? UV_NAMED_PIPE : UV_TCP)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    var code: Int32
    if isUnix {
      let pipe = memory.bindMemory(to: uv_pipe_t.self, capacity: 1)
      uv_pipe_init(pointee.loop, pipe, 0)
      code = uv_pipe_open(pipe, socket.descriptor)
    } else {
      let tcp = memory.bindMemory(to: uv_tcp_t.self, capacity: 1)
      uv_tcp_init(pointee.loop, tcp)
      // A reply is written whole; holding its tail back for an acknowledgement only delays it. A peer that is gone
      // may be why this fails, which reading will tell.
      _ = SystemCalls.setOption(socket.descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
      code = uv_tcp_open(tcp, socket.descriptor)
    }
    if code != 0 {
      // The handle is in the loop's list and has no descriptor: it must be closed, and `socket` closes the other.
      uv_close(memory.assumingMemoryBound(to: uv_handle_t.self), freeHandle)
      return .failure(SystemFailure(code: code))
    }
    _ = socket.release()
    return .success(memory.assumingMemoryBound(to: uv_stream_t.self))
  }
}
