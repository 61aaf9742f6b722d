import Synchronization

/// A stream of bytes to and from one peer. It belongs to one loop and is used on that loop's thread only.
///
/// **Input** is one contiguous run of unread bytes. Decode it in place, `consume` what is done with, and leave an
/// unfinished frame where it is. **Output** is appended in place, `reserveOutput` then `commitOutput`, and sent with
/// one system call for the whole turn. A connection without unread or unsent bytes holds no buffer.
public final class Connection {
  /// Tells connections of this process apart, over all loops; never used twice.
  public let id: UInt64
  /// A place for what the server keeps about the connection. Whoever sets it owns what it points to and frees it in
  /// `EventLoopDelegate.closed`, or after; the loop never looks at it.
  public var userData: UnsafeMutableRawPointer?

  let state: ConnectionPointer
  private let identity: Peer
  private static let nextID = Atomic<UInt64>(1)

  init(loop: LoopPointer, peer: Peer) {
    id = Self.nextID.wrappingAdd(1, ordering: .relaxed).oldValue
    identity = peer
    state = .allocate(capacity: 1)
    state.initialize(to: ConnectionState(loop: loop))
  }

  deinit {
    precondition(state.pointee.stream == nil, "a connection was released before its handle was closed")
    state.freeOutputOfClosed()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Who is at the other end: `127.0.0.1:54321`, or `unix:process 4711`. Made when it is asked for; good after the end.
  public var peer: String { identity.description }

  /// The same without the port or the process: `127.0.0.1`, or `unix:user 1000`.
  public var peerHost: String { identity.host }

  /// Whether what is sent and received is encrypted. On a listener with TLS this is false from the first `received` on
  /// for a caller that speaks none, which is to be told so and refused.
  public var isEncrypted: Bool { state.pointee.tls != nil }

  /// The names in the certificate that the client has shown and that its authority has signed: the URIs and DNS names
  /// among its alternative names, in the certificate's order; its common name if there are none. Empty if none was asked
  /// for. Known before the first `received`; empty after `closed`.
  public var tlsIdentities: [String] { state.pointee.tls?.pointee.identities ?? [] }

  /// Whether the other end is this machine: a Unix socket, or a loopback address. Good after the end.
  public var isOnThisMachine: Bool { identity.isOnThisMachine }

  /// The user id at the other end of a Unix socket, from the system; nil for other connections.
  public var peerUser: UInt32? { identity.user }

  /// Output committed now can still reach the peer. Output of a connection that is not open is dropped, so that a
  /// server need not look first.
  public var isOpen: Bool { state.acceptsOutput }
}

// MARK: - Input

extension Connection {
  /// The unread bytes. Valid until the turn ends, and until `consume`.
  public var input: UnsafeRawBufferPointer {
    state.pointee.input?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Drops bytes from the front of the input. O(1): nothing moves.
  ///
  /// - Precondition: At most `input.count`.
  public func consume(_ count: Int) {
    state.consume(count)
  }

  /// Announces that the frame at the front of the input has `bytes` bytes in all, so that the rest of it arrives in a
  /// buffer that holds it at once. Forgotten at the next `consume`.
  ///
  /// - Precondition: At most `EventLoop.Options.inputBytesMax`: verify a frame's length before it is believed.
  public func expect(_ bytes: Int) {
    precondition(
      0 <= bytes && bytes <= state.pointee.inputBytesMax, "a frame of \(bytes) bytes is larger than the input may be")
    state.pointee.expectedBytes = bytes
  }

  /// Reads no more, so that the peer comes to a halt when the kernel's buffers are full. Bytes that have arrived stay.
  public func pauseReading() {
    state.pointee.isPaused = true
    state.updateReading()
  }

  /// Reads again. Input that is unread already is not reported anew.
  public func resumeReading() {
    state.pointee.isPaused = false
    state.updateReading()
  }

  public var isReadingPaused: Bool { state.pointee.isPaused }
}

// MARK: - Output

extension Connection {
  /// Room for `bytes` bytes at the end of the pending output. Valid until the next call on this connection, or the end
  /// of the turn.
  ///
  /// Amortized O(1); what is pending never moves.
  public func reserveOutput(_ bytes: Int) -> UnsafeMutableRawPointer {
    state.reserve(bytes)
  }

  /// Makes the first `bytes` bytes of what was reserved part of the output.
  ///
  /// - Precondition: At most what was reserved.
  public func commitOutput(_ bytes: Int) {
    state.commit(bytes)
  }

  /// Sends what is pending with as few system calls as it takes, now rather than at the end of the turn, when the loop
  /// does so for each connection.
  public func flushOutput() {
    if state.pointee.phase < .closing { state.flush() }
  }

  /// Bytes committed that the kernel has not taken yet.
  public var outputBacklog: Int { state.backlog }

  /// Bytes of the buffers that hold unread input and unsent output. O(buffers).
  public var bufferBytes: Int { state.bufferBytes }
}

// MARK: - End

extension Connection {
  /// Ends the connection. `EventLoopDelegate.closed` follows in a later iteration. Further calls do nothing, except
  /// that one without flushing cuts short one with.
  ///
  /// - Parameters:
  ///   - afterFlushing: Whether what was committed before is sent first, then the peer given time to read it and to
  ///     close its side: at most `EventLoop.Options.flushTimeoutMilliseconds` in all.
  ///   - reason: What `closed` is to report.
  public func close(afterFlushing: Bool, reason: CloseReason = .closedByUs) {
    state.close(afterFlushing: afterFlushing, reason: reason)
  }
}
