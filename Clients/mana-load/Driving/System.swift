import CLinux
import Glibc

// The one file of the load tester that makes system calls. An interrupted call is made again here; what is left of
// errors is an errno with the name of the call.

/// A system call that failed.
struct SystemError: Error, CustomStringConvertible {
  let call: String
  let code: Int32

  var description: String { "\(call): \(String(cString: strerror(code)))" }
  /// Whether nobody listens there.
  var isRefusal: Bool { code == ECONNREFUSED || code == ENOENT }

  static func timedOut(_ call: String) -> SystemError { SystemError(call: call, code: ETIMEDOUT) }
  static func closed(_ call: String) -> SystemError { SystemError(call: call, code: ECONNRESET) }

  static func last(_ call: String) -> SystemError { SystemError(call: call, code: errno) }
}

/// Clocks, sleep, terminals and files.
enum System {
  /// A clock that never goes back, in nanoseconds.
  @inline(__always)
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// Seconds since 1970, UTC.
  static func unixTime() -> Int { time(nil) }

  /// Date and time of day in UTC, as RFC 3339 writes it.
  static func utcText(_ seconds: Int) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }

  static func sleep(nanoseconds: UInt64) {
    var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    var remaining = timespec()
    while nanosleep(&left, &remaining) != 0, errno == EINTR { left = remaining }
  }

  static func standardErrorIsTerminal() -> Bool { isatty(2) == 1 }

  /// Raises what this process may open towards `count` files, as far as the system lets it. What it may open then.
  static func allowOpenFiles(_ count: Int) -> Int {
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(files, &limit) == 0 else { return 0 }
    if limit.rlim_cur < rlim_t(count) {
      let before = limit
      limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
      if setrlimit(files, &limit) != 0 { limit = before }
    }
    return Int(clamping: limit.rlim_cur)
  }

  static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Writes all of `text` to a file descriptor.
  static func write(_ text: String, to descriptor: Int32) throws(SystemError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw SystemError.last("write") }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Replaces the file at `path`, so that nobody ever sees half of it.
  static func replaceFile(_ path: String, with text: String) throws(SystemError) {
    let temporary = path + ".part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError.last("open \(temporary)") }
    do {
      try write(text, to: descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    guard close(descriptor) == 0 else { throw SystemError.last("close \(temporary)") }
    guard rename(temporary, path) == 0 else { throw SystemError.last("rename \(temporary)") }
  }

  /// The text of a small file; nil when it cannot be read.
  static func contents(ofSmallFile path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// Operating system, its release and the processor's architecture; number of processors; bytes of memory.
  static func machine() -> (system: String, processors: Int, memoryBytes: UInt64) {
    var name = utsname()
    uname(&name)
    func text<T>(_ field: T) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    let pages = UInt64(max(0, sysconf(Int32(_SC_PHYS_PAGES))))
    return (
      "\(text(name.sysname)) \(text(name.release)) \(text(name.machine))",
      sysconf(Int32(_SC_NPROCESSORS_ONLN)), pages * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    )
  }
}

/// A connected stream socket, closed when it goes away.
struct Socket: ~Copyable {
  fileprivate let descriptor: Int32

  deinit { close(descriptor) }

  private init(_ family: Int32) throws(SystemError) {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw SystemError.last("socket") }
  }

  /// Connects; gives up after `timeoutNanoseconds`. The socket blocks, with that timeout, until `makeNonBlocking`.
  static func connect(
    to address: ServerAddress, timeoutNanoseconds: UInt64
  ) throws(SystemError) -> Socket {
    switch address {
    case .unix(let path): return try connect(path: path, timeoutNanoseconds)
    case .tcp(let host, let port): return try connect(host: host, port: port, timeoutNanoseconds)
    }
  }

  private static func connect(path: String, _ timeout: UInt64) throws(SystemError) -> Socket {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { field in
      guard path.utf8.count < field.count else { return false }
      field.copyBytes(from: path.utf8)
      return true
    }
    guard fits else { throw SystemError(call: "connect \(path)", code: ENAMETOOLONG) }
    let socket = try Socket(AF_UNIX)
    try socket.setTimeouts(timeout)
    let status = withUnsafeBytes(of: &address) {
      Glibc.connect(
        socket.descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard status == 0 else { throw SystemError.last("connect") }
    return socket
  }

  private static func connect(host: String, port: UInt16, _ timeout: UInt64) throws(SystemError) -> Socket {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else {
      throw SystemError(call: "the name \(host) has no address; connect", code: EADDRNOTAVAIL)
    }
    defer { freeaddrinfo(found) }
    var failure = SystemError(call: "connect", code: EADDRNOTAVAIL)
    var next: UnsafeMutablePointer<addrinfo>? = found
    while let candidate = next {
      next = candidate.pointee.ai_next
      let socket = try Socket(candidate.pointee.ai_family)
      try socket.setTimeouts(timeout)
      var one: Int32 = 1
      setsockopt(socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
      if Glibc.connect(socket.descriptor, candidate.pointee.ai_addr, candidate.pointee.ai_addrlen) == 0 {
        return socket
      }
      failure = SystemError.last("connect")
    }
    throw failure
  }

  private func setTimeouts(_ nanoseconds: UInt64) throws(SystemError) {
    var time = timeval(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_usec: Int(nanoseconds % 1_000_000_000 / 1_000))
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      guard setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)) == 0 else {
        throw SystemError.last("setsockopt")
      }
    }
  }

  func makeNonBlocking() throws(SystemError) {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else { throw SystemError.last("fcntl") }
  }

  /// Receives what is there, at most `count` bytes. Nil when nothing is there yet (or the timeout of a blocking socket
  /// passed); 0 when the other end has closed.
  func receive(into base: UnsafeMutableRawPointer, count: Int) throws(SystemError) -> Int? {
    while true {
      let received = recv(descriptor, base, count, 0)
      if received >= 0 { return received }
      if errno == EAGAIN || errno == EWOULDBLOCK { return nil }
      guard errno == EINTR else { throw SystemError.last("recv") }
    }
  }

  /// Sends what `list` holds, in order. Returns the number of bytes that the kernel took, possibly 0.
  func send(_ list: borrowing SendList) throws(SystemError) -> Int {
    while true {
      var message = msghdr()
      message.msg_iov = list.vectors
      message.msg_iovlen = list.count
      let sent = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
      if sent >= 0 { return sent }
      if errno == EAGAIN || errno == EWOULDBLOCK { return 0 }
      guard errno == EINTR else { throw SystemError.last("send") }
    }
  }
}

/// Pieces of memory for one `sendmsg`. Allocated once; the pieces must live until the call is made.
struct SendList: ~Copyable {
  fileprivate let vectors: UnsafeMutablePointer<iovec>
  let capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    vectors = .allocate(capacity: capacity)
    vectors.initialize(repeating: iovec(), count: capacity)
  }

  deinit { vectors.deallocate() }

  mutating func removeAll() { count = 0 }

  /// Whether there was room for the piece. A piece that begins where the last one ends becomes part of it.
  mutating func append(_ base: UnsafeMutableRawPointer, count bytes: Int) -> Bool {
    if count > 0, vectors[count - 1].iov_base + vectors[count - 1].iov_len == base {
      vectors[count - 1].iov_len += bytes
      return true
    }
    guard count < capacity else { return false }
    vectors[count] = iovec(iov_base: base, iov_len: bytes)
    count += 1
    return true
  }
}

/// The sockets that a thread waits for. Allocated once.
struct PollSet: ~Copyable {
  private let entries: UnsafeMutablePointer<pollfd>
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: pollfd(fd: -1, events: 0, revents: 0), count: capacity)
  }

  deinit { entries.deallocate() }

  /// Place `index` waits for `socket`: always for input, for room to send when `output`.
  mutating func watch(_ index: Int, _ socket: borrowing Socket, output: Bool) {
    precondition(index < capacity, "place \(index) of \(capacity)")
    entries[index] = pollfd(
      fd: socket.descriptor, events: Int16(POLLIN) | (output ? Int16(POLLOUT) : 0), revents: 0)
  }

  /// Whether the last wait found input, an end or an error at place `index`.
  func hasInput(_ index: Int) -> Bool { entries[index].revents & ~Int16(POLLOUT) != 0 }

  /// Waits until something happens at one of the first `count` places, or for that long.
  mutating func wait(count: Int, nanoseconds: UInt64) throws(SystemError) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    guard mana_poll(entries, UInt(count), &time) >= 0 || errno == EINTR else { throw SystemError.last("poll") }
  }
}
