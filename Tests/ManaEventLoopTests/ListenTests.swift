import Glibc
import ManaEventLoop
import Synchronization
import Testing

@Suite("Listening")
struct ListenTests {
  @Test("port 0 is answered with the real port")
  func port() throws {
    let loop = try EventLoop()
    guard case .tcp(let host, let port) = try loop.listen(on: .tcp(host: "localhost", port: 0)) else {
      Issue.record("a TCP address became something else")
      return
    }
    #expect(host == "127.0.0.1")
    #expect(port > 0)
  }

  @Test("an address in use is named, with what to do")
  func inUse() throws {
    let first = try EventLoop()
    let second = try EventLoop()
    let address = try first.listen(on: .tcp(host: "127.0.0.1", port: 0))
    let error = #expect(throws: EventLoopError.self) { try second.listen(on: address) }
    #expect(error?.name == "EADDRINUSE")
    #expect(error?.address == address)
    #expect(
      error?.description
        == "cannot listen on \(address): address already in use (EADDRINUSE); another process listens there: "
        + "stop it, or choose another address")
  }

  @Test("an address this machine does not have, and a host that is none")
  func noSuchAddress() throws {
    let loop = try EventLoop()
    let foreign = #expect(throws: EventLoopError.self) { try loop.listen(on: .tcp(host: "192.0.2.1", port: 0)) }
    #expect(foreign?.name == "EADDRNOTAVAIL")
    let unknown = #expect(throws: EventLoopError.self) { try loop.listen(on: .tcp(host: "no host", port: 0)) }
    #expect(unknown?.name == "ELOOKUP")
  }

  @Test("a Unix socket is private, and its file goes with the listener")
  func unixFile() throws {
    let directory = SocketDirectory()
    let loop = try EventLoop()
    try loop.listen(on: directory.address("s"))
    var status = stat()
    #expect(stat("\(directory.path)/s", &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
    loop.stopListening()
    #expect(stat("\(directory.path)/s", &status) == -1)
  }

  @Test("a socket file that a dead server left is replaced")
  func stale() throws {
    let directory = SocketDirectory()
    let path = "\(directory.path)/s"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    close(descriptor)
    var status = stat()
    #expect(stat(path, &status) == 0)
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let client = try BlockingClient(try rig.listen(.unix(path: path)))
    try client.send([1])
    #expect(try client.receive(1) == [1])
  }

  @Test("a socket where somebody listens is left alone")
  func live() throws {
    let directory = SocketDirectory()
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let address = try rig.listen(directory.address("s"))
    let other = try EventLoop()
    let error = #expect(throws: EventLoopError.self) { try other.listen(on: address) }
    #expect(error?.name == "EADDRINUSE")
    let client = try BlockingClient(address)
    try client.send([1])
    #expect(try client.receive(1) == [1])
  }

  @Test("a file that is no socket is left alone")
  func noSocket() throws {
    let directory = SocketDirectory()
    close(open("\(directory.path)/s", O_CREAT | O_WRONLY, 0o600))
    let loop = try EventLoop()
    let error = #expect(throws: EventLoopError.self) { try loop.listen(on: directory.address("s")) }
    #expect(error?.name == "EEXIST")
    var status = stat()
    #expect(stat("\(directory.path)/s", &status) == 0)
  }

  @Test("connections are dealt to the loops in turn", arguments: [false, true])
  func dealing(unix: Bool) throws {
    let directory = SocketDirectory()
    let rigs = [try LoopRig(.echo), try LoopRig(.echo), try LoopRig(.echo)]
    defer { for rig in rigs { rig.stop() } }
    let asked: ListenAddress = unix ? directory.address("s") : .tcp(host: "127.0.0.1", port: 0)
    let address = try rigs[0].listen(asked, dealingTo: rigs.map(\.inlet))
    for number in 0..<30 {
      let client = try BlockingClient(address)
      try client.send([UInt8(number)])
      #expect(try client.receive(1) == [UInt8(number)])
    }
    #expect(rigs.map { rig in rig.report.withLock { $0.accepted.count } } == [10, 10, 10])
    let ids = Set(rigs.flatMap { rig in rig.report.withLock { $0.accepted } })
    #expect(ids.count == 30)
  }

  @Test("a connection dealt to a loop that has stopped is closed")
  func dealtToStopped() throws {
    let first = try LoopRig(.echo)
    let second = try LoopRig(.echo)
    defer { first.stop() }
    let address = try first.listen(dealingTo: [second.inlet])
    second.stop()
    let client = try BlockingClient(address)
    #expect(try client.receiveToEnd() == [])
    #expect(first.ask { loop, _ in loop.counters.shed } == 1)
  }

  @Test("a connection handed to a loop that stops before it looks is closed")
  func handedThenStopped() throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    do {
      let loop = try EventLoop()
      let isHanded = loop.inlet.hand(AcceptedSocket(owning: ends[0]))
      #expect(isHanded)
    }
    var byte: UInt8 = 0
    #expect(recv(ends[1], &byte, 1, 0) == 0)
    close(ends[1])
  }

  @Test("a connected socket is adopted")
  func adopt() throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let rig = try LoopRig(.echo)
    defer { rig.stop() }
    let ours = ends[0]
    rig.perform { loop, _ in
      do {
        try loop.adopt(AcceptedSocket(owning: ours))
      } catch {
        Issue.record(error)
      }
    }
    var byte: UInt8 = 42
    #expect(send(ends[1], &byte, 1, 0) == 1)
    byte = 0
    #expect(recv(ends[1], &byte, 1, 0) == 1)
    #expect(byte == 42)
    close(ends[1])
  }
}

@Suite("Scarcity")
struct ScarcityTests {
  @Test("without a descriptor left, who comes is turned away, and served again when there are some")
  func descriptors() async {
    await #expect(processExitsWith: .success) {
      let rig = try LoopRig(.echo)
      let address = try rig.listen()
      let first = try BlockingClient(address)
      try first.send([1])
      _ = try first.receive(1)
      // All that are left but one, for the client's end.
      var limit = rlimit(rlim_cur: 256, rlim_max: 256)
      setrlimit(__rlimit_resource_t(7), &limit)
      var held: [Int32] = []
      while true {
        let descriptor = dup(0)
        if descriptor < 0 { break }
        held.append(descriptor)
      }
      close(held.removeLast())
      let refused = try BlockingClient(address)
      let end = try refused.receiveToEnd()
      precondition(end.isEmpty, "bytes came from a connection that was turned away")
      precondition(rig.ask { loop, _ in loop.counters.shed } == 1)
      try first.send([2])
      let answer = try first.receive(1)
      precondition(answer == [2], "a connection suffered from others that were turned away")
      for descriptor in held { close(descriptor) }
      let second = try BlockingClient(address)
      try second.send([3])
      let late = try second.receive(1)
      precondition(late == [3], "nothing is accepted any more")
      rig.stop()
    }
  }

  @Test("a loop leaves no descriptor open")
  func descriptorsAreClosed() async {
    await #expect(processExitsWith: .success) {
      func openDescriptors() -> [Int32] { (0..<1024 as Range<Int32>).filter { fcntl($0, F_GETFD) >= 0 } }
      func serveOnce() throws {
        let rigs = [try LoopRig(.echo), try LoopRig(.echo)]
        let address = try rigs[0].listen(dealingTo: rigs.map(\.inlet))
        for _ in 0..<10 {
          let client = try BlockingClient(address)
          try client.send([1])
          let echo = try client.receive(1)
          precondition(echo == [1])
        }
        let open = try BlockingClient(address)
        try open.send([1])
        let echo = try open.receive(1)
        for rig in rigs { rig.stop() }
        let rest = try open.receiveToEnd()
        precondition(echo == [1] && rest.isEmpty)
      }
      // The first loop opens what libuv keeps for the whole process.
      try serveOnce()
      let before = openDescriptors()
      for _ in 0..<4 { try serveOnce() }
      // Whatever else the process runs may have closed some of its own meanwhile, so that only additions count.
      let added = openDescriptors().filter { !before.contains($0) }
      precondition(added.isEmpty, "left open: \(added)")
    }
  }
}
