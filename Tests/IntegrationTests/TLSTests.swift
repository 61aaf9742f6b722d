import Foundation
import ManaProtocol
import Testing

/// The real server with TLS, against `openssl s_client` and Python's `ssl` module.
@Suite struct TLSTests {
  /// Runs a script against a server with TLS; the test fails if the script does.
  private func expect(
    _ script: String, clients: String? = nil, arguments: [String] = [], says: String = "",
    location: SourceLocation = #_sourceLocation
  ) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(
      data: data, shards: 2, arguments: files.options(clients: clients) + arguments)
    let outcome = try await TLSProbe.run(script, files, server)
    #expect(outcome.status == 0, "\(outcome.errors)", sourceLocation: location)
    #expect(outcome.output.contains(says), "\(outcome.output)", sourceLocation: location)
    #expect(server.terminate() == 0, sourceLocation: location)
  }

  @Test func aConversationEndsWithACloseNotifyOfBothSides() async throws {
    try await expect(
      """
      stream = connect()
      assert stream.version() == "TLSv1.3" and stream.selected_alpn_protocol() == "mana/1"
      greet(stream)
      stream.sendall(ping(1))
      frame(stream)
      stream.unwrap().close()
      print("closed")
      """, says: "closed")
  }

  @Test(arguments: [
    ["-tls1_2", "-alpn", "mana/1"], ["-tls1_3"], ["-tls1_3", "-alpn", "h2,http/1.1"],
  ]) func otherVersionsAndProtocolsAreRefused(arguments: [String]) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options())
    let outcome = try await Programs.run(
      URL(filePath: "/usr/bin/env"), ["openssl", "s_client", "-connect", server.address] + arguments)
    #expect(outcome.status != 0)
    let alert = arguments == ["-tls1_2", "-alpn", "mana/1"] ? "protocol version" : "no application protocol"
    #expect(outcome.errors.contains("alert \(alert)"), "\(outcome.errors)")
  }

  @Test func aPlainCallerIsToldSo() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options())
    let caller = try RawConnection(port: server.port)
    try caller.send(
      FrameHeader.preface + frame(.hello, correlation: 0, body: Hello(instance: 1, clientName: "test").encoded))
    #expect(try caller.receive(8) == FrameHeader.preface)
    let (header, body) = try caller.receiveFrame()
    #expect(header.opcode == Opcode.goAway.rawValue && header.status == Status.prefaceMismatch.rawValue)
    #expect(String(decoding: body, as: UTF8.self).contains("connect with TLS"))
    #expect(caller.receiveToEnd().isEmpty)
    let browser = try RawConnection(port: server.port)
    try browser.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
    #expect(String(decoding: browser.receiveToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 400"))
  }

  @Test func clientsNeedACertificateOfTheAuthority() async throws {
    try await expect(
      """
      for client in (None, "intruder"):
          try:
              greet(connect(client=client))
              raise SystemExit(f"{client} was let in")
          except (ssl.SSLError, ConnectionError, EOFError) as error:
              print(error)
      greet(connect(client="client"))
      """, clients: "ca", says: "ALERT")
  }

  @Test(arguments: [
    ("client", "billing.internal", true), ("client", "other.internal", false), ("client", "client", false),
    ("workload", "first.internal", true), ("workload", "second.internal", true),
    ("workload", "spiffe://example.com/first", true), ("workload", "spiffe://example.com/billing", true),
    ("workload", "spiffe://example.com/", false), ("workload", "workload", false), ("ca", "ca", true),
  ])
  func aCertificateIsACredential(certificate: String, name: String, isLetIn: Bool) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let credentials = data.url.appending(path: "credentials")
    try Data("mana-credentials 1\ncertificate \(name) roles=read\n".utf8).write(to: credentials)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: credentials.path())
    let server = try ServerProcess(
      data: data, arguments: files.options(clients: "ca") + ["--credentials", credentials.path()])
    let outcome = try await TLSProbe.run(
      """
      answer = greet(connect(client=sys.argv[3]))
      print("welcome" if answer[6] == Opcode.welcome else "goAway" if answer[6] == Opcode.goAway else answer.hex())
      """, files, [certificate], port: server.port)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == (isLetIn ? "welcome\n" : "goAway\n"))
  }

  @Test func anEndWithoutCloseNotifyIsATruncation() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options() + ["--log-level", "debug"])
    let outcome = try await TLSProbe.run(
      """
      stream = connect()
      greet(stream)
      socket.socket(fileno=os.dup(stream.fileno())).shutdown(socket.SHUT_WR)
      try:
          stream.recv(1)
          raise SystemExit("the server went on as if nothing were missing")
      except (ssl.SSLError, ConnectionError) as error:
          print(error)
      """, files, server)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(server.terminate() == 0)
    let ended = try #require(try server.ended(within: 60))
    #expect(ended.errors.contains("without a TLS close_notify"), "\(ended.errors)")
  }

  @Test func randomFragmentsAndManyFramesArriveWhole() async throws {
    try await expect(
      """
      seed = random.randrange(1 << 32)
      print("seed", seed)
      chance = random.Random(seed)
      incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
      tls = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
      plain = socket.create_connection(("127.0.0.1", port), timeout=60)
      plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      def push():
          rest = outgoing.read()
          while rest:
              size = chance.choice((1, 2, 5, 7, 100, 5_000, 70_000))
              plain.sendall(rest[:size])
              rest = rest[size:]
      def until_done(step):
          while True:
              try:
                  result = step()
                  push()
                  return result
              except ssl.SSLWantReadError:
                  push()
                  incoming.write(plain.recv(chance.choice((1, 10, 65_536))))
      until_done(tls.do_handshake)
      class Stream:
          def recv(self, count): return until_done(lambda: tls.read(count))
          def sendall(self, data):
              while data:
                  size = chance.choice((1, 3, 40, 1_000, 16_384, len(data)))
                  tls.write(data[:size])
                  data = data[size:]
              push()
      stream = Stream()
      greet(stream)
      for round in range(5):
          numbers = list(range(1, 400))
          stream.sendall(b"".join(map(ping, numbers)))
          for number in numbers: frame(stream)
      """, says: "seed")
  }

  /// Sixty half-sent frames want 36 MB together, and may have 16; the memory is what the tests of callers in the clear
  /// allow.
  @Test func halfSentFramesHoldNoMoreMemoryThanInTheClear() async throws {
    try await expect(
      """
      def resident():
          with open(f"/proc/{sys.argv[3]}/status") as status:
              return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) << 10
      half = encode_frame(Opcode.post, bytes((1 << 20) - 32), correlation=1)[:600_000]
      greet(connect())
      before, hostile, refused = resident(), [], set()
      for _ in range(60):
          stream = connect()
          greet(stream)
          hostile.append(stream)
          try: stream.sendall(half)
          except (OSError, EOFError): refused.add(stream)
      good = connect()
      greet(good)
      good.sendall(ping(1))
      frame(good)
      growth = resident() - before
      assert growth < 96 << 20, f"{growth} bytes more, {len(refused)} refused"
      for stream in hostile:
          stream.setblocking(False)
          try:
              stream.recv(1)
              refused.add(stream)
          except ssl.SSLWantReadError: pass
          except OSError: refused.add(stream)
      assert 0 < len(refused) < 60, f"{len(refused)} of 60 were closed"
      print("served")
      """, arguments: ["--connection-memory-bytes", "16777216"], says: "served")
  }

  @Test func aNewCertificateIsTakenWithoutADroppedConnection() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, shards: 2, arguments: files.options())
    let outcome = try await TLSProbe.run(
      """
      import shutil
      process = int(sys.argv[3])
      def served():
          with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
              trusting = context()
              trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
              return trusting.wrap_socket(plain).getpeercert(binary_form=True)
      stream = connect()
      greet(stream)
      before = served()
      for name in ("pem", "key"): shutil.copy(f"{folder}/stranger.{name}", f"{folder}/server.{name}")
      os.kill(process, signal.SIGHUP)
      deadline = time.monotonic() + 120
      while (after := served()) == before:
          if time.monotonic() > deadline: raise SystemExit("the old certificate is still served")
      stream.sendall(ping(1))
      frame(stream)
      open(f"{folder}/server.pem", "w").write("nonsense")
      os.kill(process, signal.SIGHUP)
      for number in range(2, 30):
          stream.sendall(ping(number))
          frame(stream)
          assert served() == after
      """, files, server)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(server.terminate() == 0)
    let ended = try #require(try server.ended(within: 60))
    #expect(ended.errors.contains("certificate reloaded"), "\(ended.errors)")
    #expect(ended.errors.contains("the one before stays in use"), "\(ended.errors)")
  }

  @Test(arguments: [
    ("server", "client", "does not belong to the certificate"), ("expired", "expired", "has expired"),
    ("absent", "server", "cannot read the TLS certificate"), ("server", "absent", "cannot read the TLS key"),
  ]) func unusableFilesAreNamedAtStart(certificate: String, key: String, message: String) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let error = #expect(throws: ServerProcess.DidNotStart.self) {
      _ = try ServerProcess(
        data: data,
        arguments: ["--tls-certificate", files.certificate(certificate), "--tls-key", files.key(key)])
    }
    #expect(error?.status == 78 && error?.errors.contains(message) == true, "\(String(describing: error))")
  }
}
