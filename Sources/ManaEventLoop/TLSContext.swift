import COpenSSL
import Glibc

/// What a listener needs to speak TLS 1.3: its certificate and key, and whose certificates clients must show.
///
/// Shared by all loops. `reload` puts new files in place for connections to come; those that are open keep what they
/// began with.
public final class TLSContext: Sendable {
  /// PEM files.
  public struct Files: Sendable, Equatable {
    /// The server's certificate, then those between it and its authority.
    public var certificate: String
    public var key: String
    /// Authorities of which a client must show a certificate; nil asks clients for none.
    public var clientAuthority: String?

    public init(certificate: String, key: String, clientAuthority: String? = nil) {
      self.certificate = certificate
      self.key = key
      self.clientAuthority = clientAuthority
    }
  }

  public let files: Files
  private let current: Locked<LibraryContext>

  /// Reads the files.
  public init(_ files: Files) throws(TLSError) {
    self.files = files
    current = Locked(try LibraryContext(files))
  }

  /// Reads the files again. When they cannot be used, throws why, and what was in use stays so. From any thread.
  public func reload() throws(TLSError) {
    let fresh = try LibraryContext(files)
    current.withLock { $0 = fresh }
  }

  /// The server's side of a new connection, which its caller frees; nil when memory has run out.
  func makeSession() -> OpaquePointer? {
    current.withLock { SSL_new($0.pointer) }
  }
}

/// An `SSL_CTX`, counted by OpenSSL: each `SSL` made of it keeps it alive.
///
/// Unchecked, because the type of the pointer is not `Sendable`; nothing changes the context once it is made.
private final class LibraryContext: @unchecked Sendable {
  let pointer: OpaquePointer

  init(_ files: TLSContext.Files) throws(TLSError) {
    ERR_clear_error()
    guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw .library(reason: libraryReason()) }
    self.pointer = pointer
    try setProtocol()
    try loadCertificate(files)
    if let path = files.clientAuthority { try loadAuthority(path) }
  }

  deinit { SSL_CTX_free(pointer) }

  private func setProtocol() throws(TLSError) {
    guard SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_3_VERSION), nil) == 1,
      // AES-128 first: the fastest by far where the processor has instructions for it, and no weaker in practice.
      SSL_CTX_set_ciphersuites(
        pointer, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
    else { throw .library(reason: libraryReason()) }
    // No tickets and no session cache, hence no early data: a resumed session would outlive a certificate that was
    // taken back, and early data could be replayed. Connections here are long; one full handshake each is cheap.
    SSL_CTX_set_options(pointer, LibraryOption.noTicket | LibraryOption.serverPreference)
    SSL_CTX_set_num_tickets(pointer, 0)
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    // An idle connection holds no record buffers.
    _ = SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
    SSL_CTX_set_client_hello_cb(pointer, requireProtocolOffer, nil)
    SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, nil)
    // A key with a passphrase is refused rather than asked for: a server has nobody to ask.
    SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in -1 }
  }

  private func loadCertificate(_ files: TLSContext.Files) throws(TLSError) {
    guard SSL_CTX_use_certificate_chain_file(pointer, files.certificate) == 1 else {
      throw .unreadableCertificate(path: files.certificate, reason: libraryReason())
    }
    guard let certificate = SSL_CTX_get0_certificate(pointer) else {
      throw .unreadableCertificate(path: files.certificate, reason: "it holds no certificate")
    }
    if X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0 {
      throw .expiredCertificate(path: files.certificate)
    }
    if X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0 {
      throw .notYetValidCertificate(path: files.certificate)
    }
    // OpenSSL compares the key with the certificate as it takes it, and says so in this one error.
    guard SSL_CTX_use_PrivateKey_file(pointer, files.key, SSL_FILETYPE_PEM) == 1 else {
      let code = ERR_peek_last_error()
      let isOther = [X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH].contains(ERR_GET_REASON(code))
      if isOther, ERR_GET_LIB(code) == ERR_LIB_X509 {
        ERR_clear_error()
        throw .keyMismatch(certificate: files.certificate, key: files.key)
      }
      throw .unreadableKey(path: files.key, reason: libraryReason())
    }
    // A key of another kind than the certificate is taken without complaint and leaves no pair.
    guard SSL_CTX_check_private_key(pointer) == 1 else {
      ERR_clear_error()
      throw .keyMismatch(certificate: files.certificate, key: files.key)
    }
  }

  private func loadAuthority(_ path: String) throws(TLSError) {
    guard SSL_CTX_load_verify_file(pointer, path) == 1, let names = SSL_load_client_CA_file(path) else {
      throw .unreadableClientAuthority(path: path, reason: libraryReason())
    }
    SSL_CTX_set_client_CA_list(pointer, names)
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
  }
}

/// Options that OpenSSL's header spells in a way that Swift does not import: SSL_OP_NO_TICKET and
/// SSL_OP_CIPHER_SERVER_PREFERENCE.
private enum LibraryOption {
  static let noTicket: UInt64 = 1 << 14
  static let serverPreference: UInt64 = 1 << 22
}

/// The first of the errors that OpenSSL has noted on this thread, in words; forgets them all.
func libraryReason() -> String {
  let code = ERR_get_error()
  defer { ERR_clear_error() }
  if code == 0 { return "unknown reason" }
  if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
  // An error of the system, such as a file that is not there; its number is in the lower bits.
  return errorMessage(-Int32(truncatingIfNeeded: code & 0x7FFF_FFFF))
}

/// The protocol's name in ALPN.
private let protocolName = Array("mana/1".utf8)

/// Refuses a ClientHello that offers no protocol at all, of which the selection is not asked.
private func requireProtocolOffer(
  _ session: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _: UnsafeMutableRawPointer?
) -> Int32 {
  var bytes: UnsafePointer<UInt8>?
  var count = 0
  if SSL_client_hello_get0_ext(
    session, UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation), &bytes, &count) == 1
  {
    return SSL_CLIENT_HELLO_SUCCESS
  }
  alert?.pointee = SSL_AD_NO_APPLICATION_PROTOCOL
  return SSL_CLIENT_HELLO_ERROR
}

/// Picks `mana/1` out of a client's offer: names with their length before each.
private func selectProtocol(
  _: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offer: UnsafePointer<UInt8>?, _ offerCount: UInt32,
  _: UnsafeMutableRawPointer?
) -> Int32 {
  let names = UnsafeBufferPointer(start: offer, count: Int(offerCount))
  var place = 0
  while place < names.count {
    let (start, end) = (place + 1, place + 1 + Int(names[place]))
    guard end <= names.count else { break }
    if names[start..<end].elementsEqual(protocolName) {
      chosen?.pointee = offer! + start
      chosenCount?.pointee = UInt8(protocolName.count)
      return SSL_TLSEXT_ERR_OK
    }
    place = end
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}
