import Foundation
import ManaProtocol
import Testing

/// What a caller that means no good, or an old one, tries with TLS.
@Suite struct TLSProbingTests {
  /// Runs a script against a server with TLS; gives what the server has logged.
  @discardableResult
  private func probe(
    _ script: String, arguments: [String] = [], location: SourceLocation = #_sourceLocation
  ) async throws -> (output: String, log: String) {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options() + ["--log-level", "debug"] + arguments)
    let outcome = try await TLSProbe.run(script, files, server)
    #expect(outcome.status == 0, "\(outcome.errors)", sourceLocation: location)
    #expect(server.terminate() == 0, sourceLocation: location)
    return (outcome.output, try server.log)
  }

  /// `K` in `openssl s_client` changes its own key and demands that the server changes its key.
  @Test func keysAreChangedAsOftenAsThePeerLikes() async throws {
    let outcome = try await probe(
      """
      import subprocess
      client = subprocess.Popen(
          ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-alpn", "mana/1",
           "-CAfile", f"{folder}/ca.pem"],
          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
      def send(data):
          client.stdin.write(data)
          client.stdin.flush()
      def until(source, wanted):
          seen = b""
          while wanted not in seen:
              more = source.read(1)
              if not more: raise SystemExit(f"the end instead of {wanted!r}: {seen!r}")
              seen += more
      read = lambda count: client.stdout.read(count)
      send(hello)
      until(client.stdout, PREFACE)
      head = read(32)
      assert head[6] == Opcode.welcome
      read(int.from_bytes(head[:4], "little") - 32)
      for number in range(1, 21):
          send(b"K\\n" if number % 2 else b"k\\n")
          until(client.stderr, b"KEYUPDATE")
          send(ping(number))
          head = read(32)
          assert int.from_bytes(head[8:16], "little") == number and head[16:18] == bytes(2), head.hex()
      print("served")
      client.kill()
      """)
    #expect(outcome.output == "served\n")
  }

  /// A ClientHello that comes byte by byte, and a Mana hello that does so within TLS.
  @Test func aHandshakeThatDribblesIsCut() async throws {
    let outcome = try await probe(
      """
      def dribble(send, data, receive):
          began = time.monotonic()
          for byte in data:
              try:
                  send(bytes([byte]))
              except OSError:
                  break
              time.sleep(0.1)
              if time.monotonic() - began > 8: break
          try:
              rest = receive()
          except OSError:
              rest = b""
          took = time.monotonic() - began
          assert 4 < took < 40, f"it took {took} seconds"
          return rest
      incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
      tls = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
      try: tls.do_handshake()
      except ssl.SSLWantReadError: pass
      plain = socket.create_connection(("127.0.0.1", port), timeout=60)
      dribble(plain.sendall, outgoing.read(), lambda: plain.recv(1))
      stream = connect()
      assert PREFACE in dribble(stream.sendall, hello, lambda: stream.recv(4096))
      print("cut")
      """)
    #expect(outcome.output == "cut\n")
    #expect(outcome.log.matches(of: /status=handshakeTimeout/).count == 2, "\(outcome.log)")
  }

  /// What the server shakes hands with, and what it does not.
  @Test(
    arguments: [
      (["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256"),
      (["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"], "TLS_AES_256_GCM_SHA384"),
      (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
      (
        ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"],
        "TLS_AES_128_GCM_SHA256"
      ),
      (["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], nil),
      (["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"], nil),
      (["-tls1_2"], nil), (["-tls1_2", "-cipher", "ALL:eNULL:@SECLEVEL=0"], nil),
      (["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], nil),
      (["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], nil),
      (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], nil), (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], nil),
    ] as [([String], String?)])
  func onlyStrongSuitesOfTheNewestVersion(arguments: [String], suite: String?) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options())
    let outcome = try await Programs.run(
      URL(filePath: "/usr/bin/env"),
      ["openssl", "s_client", "-connect", server.address, "-alpn", "mana/1", "-CAfile", files.certificate("ca")]
        + arguments)
    if let suite {
      #expect(outcome.output.contains("New, TLSv1.3, Cipher is \(suite)"), "\(outcome.output)\(outcome.errors)")
      #expect(outcome.output.contains("Verify return code: 0 (ok)"), "\(outcome.output)")
    } else {
      // Refused by the server, in an alert; not by the client that would not even try.
      #expect(outcome.status != 0)
      #expect(outcome.errors.contains(/alert (protocol version|handshake failure)/), "\(outcome.errors)")
    }
    #expect(server.terminate() == 0)
  }

  /// A request that was cut off on its way, and one behind which the end was forged, are not executed in half.
  @Test func whatWasCutOffIsNotExecuted() async throws {
    let outcome = try await probe(Self.truncation)
    #expect(outcome.output == "whole\n")
    #expect(outcome.log.contains("without a TLS close_notify"))
  }

  private static let truncation = """
    from mana_ledger.protocol import Batch, Item, Operation, TransactionType
    def credit(account):
        item = Item(account, account, TransactionType.bonus, Operation.bonus, 5_000_000)
        return encode_frame(Opcode.bonus, Batch((item,)).encode(), correlation=1)
    def known(account):
        stream = connect()
        greet(stream)
        stream.sendall(encode_frame(Opcode.getAccount, account.to_bytes(16, "little"), correlation=1))
        return frame(stream)[16:18] == bytes(2)
    for account, part in ((7, 40), (8, -8)):
        stream = connect()
        greet(stream)
        stream.sendall(credit(account)[:part])
        socket.socket(fileno=os.dup(stream.fileno())).shutdown(socket.SHUT_WR)
        try:
            stream.recv(1)
            raise SystemExit("answered")
        except (ssl.SSLError, ConnectionError):
            pass
        assert not known(account)
    # In the middle of the handshake.
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try: tls.do_handshake()
    except ssl.SSLWantReadError: pass
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    plain.sendall(outgoing.read()[:50])
    plain.shutdown(socket.SHUT_WR)
    assert plain.recv(1) == b""
    # And one that is whole.
    stream = connect()
    greet(stream)
    stream.sendall(credit(9))
    frame(stream)
    assert known(9)
    print("whole")
    """
}
