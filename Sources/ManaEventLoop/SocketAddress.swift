import Glibc

/// A socket address as the system's calls take it: IPv4, IPv6 or the path of a Unix socket.
struct SocketAddress {
  private var storage = sockaddr_storage()
  private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  private init() {}

  /// A path; or, where that is allowed, `@` and a name of the abstract namespace.
  init(unixPath: String, orAbstract allowsAbstract: Bool = false) {
    precondition(unixPath.utf8.count <= ListenAddress.pathBytesMax)
    let isAbstract = allowsAbstract && unixPath.hasPrefix("@")
    storage.ss_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &storage) { bytes in
      let path = UnsafeMutableRawBufferPointer(rebasing: bytes[Self.pathOffset...])
      path.copyBytes(from: unixPath.utf8)
      // An abstract name begins with a zero byte instead.
      if isAbstract { path[0] = 0 }
    }
    // The storage is zeroed, so that a path ends with the zero byte that this length includes; a name is as long as it is.
    length = socklen_t(Self.pathOffset + unixPath.utf8.count + (isAbstract ? 0 : 1))
  }

  init(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
    precondition(Int(length) <= MemoryLayout<sockaddr_storage>.size)
    withUnsafeMutableBytes(of: &storage) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
    }
    self.length = length
  }

  /// Reads an address from a call such as `getpeername`.
  static func read(
    _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> Result<SocketAddress, SystemFailure> {
    var address = SocketAddress()
    let code = withUnsafeMutablePointer(to: &address.storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        SystemCalls.checked(call(pointer, &address.length))
      }
    }
    return code == 0 ? .success(address) : .failure(SystemFailure(code: code))
  }

  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  var family: Int32 { Int32(storage.ss_family) }

  var port: UInt16 {
    // The port is at the same offset in both families.
    withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
  }

  /// The numeric host, without brackets.
  var host: String {
    let text: String? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
      let status = withPointer {
        getnameinfo($0, $1, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
      }
      return status == 0 ? String(cString: buffer.baseAddress!) : nil
    }
    return text ?? "unknown"
  }

  /// As a listen address; nil for a Unix socket, whose address is its path.
  var listenAddress: ListenAddress? {
    family == AF_INET || family == AF_INET6 ? .tcp(host: host, port: port) : nil
  }

  /// As a listen address, whatever its family; nil for families that no server listens on.
  var anyListenAddress: ListenAddress? {
    guard family == AF_UNIX else { return listenAddress }
    let name = withUnsafeBytes(of: storage) { Array($0[Self.pathOffset..<max(Int(length), Self.pathOffset)]) }
    if name.first == 0 { return .unix(path: "@" + String(decoding: name.dropFirst(), as: UTF8.self)) }
    return .unix(path: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
  }

  /// Offset of `sun_path` behind `sun_family`.
  private static let pathOffset = 2

  /// The addresses of a host, IPv4 first: who dials "localhost" by hand or through an old library tries that one.
  ///
  /// Looking a name up may block; it is done once, before a server serves.
  static func resolve(host: String, port: UInt16) -> Result<[SocketAddress], LookupFailure> {
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    guard status == 0 else { return .failure(LookupFailure(message: String(cString: gai_strerror(status)))) }
    defer { freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var cursor = list
    while let entry = cursor {
      if let address = entry.pointee.ai_addr, [AF_INET, AF_INET6].contains(entry.pointee.ai_family) {
        addresses.append(SocketAddress(address, length: entry.pointee.ai_addrlen))
      }
      cursor = entry.pointee.ai_next
    }
    return .success(addresses.filter { $0.family == AF_INET } + addresses.filter { $0.family == AF_INET6 })
  }
}

/// A host name that could not be looked up.
struct LookupFailure: Error {
  let message: String
}
