import Foundation
import Glibc
import Testing

/// The real server under a service manager: what it tells, and the sockets it is handed.
@Suite struct ServiceManagerTests {
  private static func value(_ key: String, in message: [String]) -> String? {
    message.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.count + 1)) }
  }

  @Test(arguments: [false, true])
  func aLifeIsTold(isAbstract: Bool) async throws {
    let data = try TemporaryDirectory()
    let listener = try NotifyListener(
      path: isAbstract ? "@mana-test-\(UUID().uuidString)" : data.url.appending(path: "notify").path())
    let server = try ServerProcess(data: data, shards: 2, environment: ["NOTIFY_SOCKET": listener.path])
    let ready = try listener.next(with: "READY=1")
    #expect(Self.value("STATUS", in: ready)?.contains("Serving on \(server.address)") == true, "\(ready)")
    // Told when callers can connect, and not before.
    let ping = try await Programs.mana(["ping"], server: server)
    #expect(ping.status == 0, "\(ping.errors)")

    let before = Self.monotonicMicroseconds()
    kill(server.processIdentifier, SIGHUP)
    let reloading = try listener.next(with: "RELOADING=1")
    let moment = try #require(Self.value("MONOTONIC_USEC", in: reloading).flatMap { UInt64($0) })
    #expect(moment >= before && moment <= Self.monotonicMicroseconds())
    _ = try listener.next(with: "READY=1")
    // Without WATCHDOG_USEC nobody asks for signs of life.
    #expect(listener.count(of: "WATCHDOG=1", in: 0.7) == 0)

    kill(server.processIdentifier, SIGTERM)
    _ = try listener.next(with: "STOPPING=1")
    #expect(try server.ended(within: 60)?.status == 0)
  }

  /// A start on a journal that takes a while says how far it is, before it is ready.
  @Test func recoveryIsToldBeforeReady() async throws {
    let data = try TemporaryDirectory()
    let first = try ServerProcess(data: data)
    let outcome = try await Programs.mana(["purchase", "1", "100"], server: first)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(first.terminate() == 0)
    let listener = try NotifyListener(path: data.url.appending(path: "notify").path())
    let server = try ServerProcess(data: data, environment: ["NOTIFY_SOCKET": listener.path])
    let message = try #require(listener.next(within: 30))
    #expect(message.first?.hasPrefix("STATUS=Recovering: ") == true, "\(message)")
    #expect(Self.value("EXTEND_TIMEOUT_USEC", in: message) != nil)
    let ready = try listener.next(with: "READY=1")
    #expect(Self.value("STATUS", in: ready)?.contains("1 transactions of 1 accounts") == true, "\(ready)")
    #expect(server.terminate() == 0)
  }

  @Test func aStartThatFailsSaysWhy() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let listener = try NotifyListener(path: data.url.appending(path: "notify").path())
    #expect(throws: ServerProcess.DidNotStart.self) {
      try ServerProcess(data: data, environment: ["NOTIFY_SOCKET": listener.path])
    }
    let message = try listener.next(with: "STATUS=Cannot serve: ")
    #expect(message.first?.contains("in use by process") == true && !message.contains("READY=1"), "\(message)")
    #expect(server.terminate() == 0)
  }

  /// A process that is stopped gives no signs of life, and does again when it goes on.
  @Test func theWatchdogHearsOfALoopThatTurns() throws {
    let data = try TemporaryDirectory()
    let listener = try NotifyListener(path: data.url.appending(path: "notify").path())
    let server = try ServerProcess(
      data: data, shards: 2, environment: ["NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "2000000"])
    _ = try listener.next(with: "READY=1")
    _ = try listener.next(with: "WATCHDOG=1")
    #expect(listener.count(of: "WATCHDOG=1", in: 3) >= 3)
    kill(server.processIdentifier, SIGSTOP)
    _ = listener.count(of: "WATCHDOG=1", in: 0.2)
    #expect(listener.count(of: "WATCHDOG=1", in: 2) == 0)
    kill(server.processIdentifier, SIGCONT)
    _ = try listener.next(with: "WATCHDOG=1")
    #expect(server.terminate() == 0)
  }

  /// A manager that is not there is no reason not to serve.
  @Test func aManagerThatHasGoneIsLoggedOnce() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(
      data: data, environment: ["NOTIFY_SOCKET": data.url.appending(path: "nobody").path()])
    let ping = try await Programs.mana(["ping"], server: server)
    #expect(ping.status == 0, "\(ping.errors)")
    #expect(server.terminate() == 0)
    #expect(try server.log.components(separatedBy: "the service manager was not notified").count == 2)
  }

  /// Opens sockets, one a name, as descriptors 3, 4, …, and becomes the server. Names that begin with `unix` are Unix
  /// sockets in the folder; the TCP ports are printed into it.
  static let activator = """
    import os, socket, sys
    folder, names, program = sys.argv[1], sys.argv[2].split(":"), sys.argv[3:]
    sockets, addresses = [], []
    for name in names:
        if name.startswith("unix"):
            new = socket.socket(socket.AF_UNIX)
            new.bind(folder + "/" + name)
            addresses.append("unix:" + folder + "/" + name)
        else:
            new = socket.socket()
            new.bind(("127.0.0.1", 0))
            addresses.append("127.0.0.1:%d" % new.getsockname()[1])
        new.listen(8)
        sockets.append(os.dup(new.fileno()))
    copies = [os.dup2(number, 20 + index) for index, number in enumerate(sockets)]
    for index, number in enumerate(copies):
        os.dup2(number, 3 + index, inheritable=True)
    with open(folder + "/addresses", "w") as file:
        file.write("\\n".join(addresses))
    os.environ.update(LISTEN_FDS=str(len(names)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=":".join(names))
    os.execv(program[0], program)
    """

  static func activated(
    _ data: TemporaryDirectory, _ names: String, _ arguments: [String] = []
  ) throws -> (server: ServerProcess, addresses: [String]) {
    let folder = data.url.path()
    let server = try ServerProcess(
      data: data, shards: 2, arguments: arguments, launcher: ["/usr/bin/python3", "-c", activator, folder, names])
    let text = try String(contentsOf: data.url.appending(path: "addresses"), encoding: .utf8)
    return (server, text.split(separator: "\n").map(String.init))
  }

  @Test func socketsThatWereHandedOverAreServed() async throws {
    let data = try TemporaryDirectory()
    let (server, addresses) = try Self.activated(data, "ledger:unix:metrics")
    try #require(addresses.count == 3)
    #expect(server.address == addresses[0])
    for address in addresses.prefix(2) {
      let outcome = try await Programs.mana(["purchase", "7", "5"], address: address)
      #expect(outcome.status == 0, "\(address): \(outcome.errors)")
    }
    #expect(try MetricsTests.get("/readyz", at: addresses[2]).status == 200)
    #expect(server.terminate() == 0)
    // Whoever made the socket's file keeps it.
    #expect(FileManager.default.fileExists(atPath: String(addresses[1].dropFirst("unix:".count))))
    #expect(try server.log.contains("inherited=true"))
  }

  /// Meant for a process that has gone on to start this one: they are somebody else's.
  @Test func socketsOfAnotherProcessAreLeftAlone() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, environment: ["LISTEN_FDS": "1", "LISTEN_PID": "1"])
    let ping = try await Programs.mana(["ping"], server: server)
    #expect(ping.status == 0, "\(ping.errors)")
    #expect(try server.log.contains("inherited=false"))
    #expect(server.terminate() == 0)
  }

  /// What is handed over is no listening socket: the start is refused with its number and name.
  @Test func aDescriptorThatDoesNotListenIsRefused() throws {
    let data = try TemporaryDirectory()
    let script =
      "import os, sys; os.dup2(os.open('/dev/null', os.O_RDONLY), 3); os.environ.update(LISTEN_FDS='1', "
      + "LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='odd'); os.execv(sys.argv[1], sys.argv[1:])"
    let error = #expect(throws: ServerProcess.DidNotStart.self) {
      try ServerProcess(data: data, launcher: ["/usr/bin/python3", "-c", script])
    }
    #expect(error?.status == 69)
    #expect(error?.errors.contains("descriptor 3, which was handed over as 'odd'") == true, "\(error?.errors ?? "")")
  }

  private static func monotonicMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
  }
}
