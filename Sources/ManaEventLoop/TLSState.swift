import COpenSSL

/// The TLS side of a connection, at an address that OpenSSL's callbacks know.
///
/// OpenSSL reads and writes through a BIO of our own: it takes ciphertext straight from where libuv has put it, and
/// appends records straight to the chain that goes to the socket. Between events nothing waits in the BIO.
struct TLSState {
  let session: OpaquePointer
  let connection: ConnectionPointer
  /// What has arrived and OpenSSL has not taken yet; points into the loop's memory while an event lasts.
  var arrived = UnsafeRawBufferPointer(start: nil, count: 0)
  /// The first byte was seen, and it began a TLS record.
  var hasBegun = false
  var isEstablished = false
  /// OpenSSL must not be asked for anything more, not even for a close_notify.
  var hasFailed = false
  var hasSentCloseNotify = false
  /// The names in the client's certificate.
  var identities: [String] = []

  // Plaintext that the server has committed and that was not encrypted yet.
  var outputHead: BufferPointer?
  var outputTail: BufferPointer?
  var pendingBytes = 0
}

typealias TLSPointer = UnsafeMutablePointer<TLSState>

extension UnsafeMutablePointer<TLSState> {
  /// The TLS side of a connection; nil when memory has run out.
  static func make(_ context: TLSContext, for connection: ConnectionPointer) -> TLSPointer? {
    guard let session = context.makeSession() else { return nil }
    guard let bio = BIO_new(bioMethod.pointer) else {
      SSL_free(session)
      return nil
    }
    let state = TLSPointer.allocate(capacity: 1)
    state.initialize(to: TLSState(session: session, connection: connection))
    BIO_set_data(bio, state)
    BIO_set_init(bio, 1)
    // One BIO for both ways; the session owns it.
    SSL_set_bio(session, bio, bio)
    SSL_set_accept_state(session)
    return state
  }

  func free() {
    precondition(pointee.outputHead == nil, "plaintext was left when a connection ended")
    SSL_free(pointee.session)
    deinitialize(count: 1)
    deallocate()
  }
}

/// Made once, never changed, never freed. Unchecked, because the type of the pointer is not `Sendable`.
private struct Method: @unchecked Sendable {
  let pointer: OpaquePointer
}

private let bioMethod: Method = {
  guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mana loop") else {
    preconditionFailure("OpenSSL has no memory for a BIO method")
  }
  BIO_meth_set_read_ex(method, takeArrived)
  BIO_meth_set_write_ex(method, appendRecord)
  // Nothing is held back here, so that there is nothing to flush; other questions are answered with no.
  BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
  return Method(pointer: method)
}()

/// OpenSSL wants ciphertext.
private func takeArrived(
  _ bio: OpaquePointer?, _ room: UnsafeMutablePointer<CChar>?, _ count: Int, _ taken: UnsafeMutablePointer<Int>?
) -> Int32 {
  let state = BIO_get_data(bio).assumingMemoryBound(to: TLSState.self)
  BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
  let arrived = state.pointee.arrived
  if arrived.isEmpty {
    BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    taken?.pointee = 0
    return 0
  }
  let size = min(count, arrived.count)
  UnsafeMutableRawPointer(room!).copyMemory(from: arrived.baseAddress!, byteCount: size)
  state.pointee.arrived = UnsafeRawBufferPointer(rebasing: arrived[size...])
  taken?.pointee = size
  return 1
}

/// OpenSSL has made a record, or a part of one.
private func appendRecord(
  _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int, _ taken: UnsafeMutablePointer<Int>?
) -> Int32 {
  let state = BIO_get_data(bio).assumingMemoryBound(to: TLSState.self)
  BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
  state.pointee.connection.appendToWire(UnsafeRawBufferPointer(start: bytes, count: count))
  taken?.pointee = count
  return 1
}
