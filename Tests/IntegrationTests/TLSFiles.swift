import Foundation

/// Certificates of a test's own, made with the `openssl` command.
struct TLSFiles {
  let folder: TemporaryDirectory

  struct Failed: Error { let errors: String }

  /// Two authorities, `ca` and `other`; a server's pair of each, `server` and `stranger`; a client's pair of each, `client`
  /// and `intruder`; a server's certificate that has `expired`, and one that is `named` and has no address; and a client's
  /// with two DNS names and two URIs, `workload`.
  static func make() async throws -> TLSFiles {
    let files = TLSFiles(folder: try TemporaryDirectory())
    for name in ["ca", "other"] {
      try await files.openssl(
        ["req", "-x509", "-newkey", "ed25519", "-noenc", "-days", "2", "-subj", "/CN=\(name)"] + files.output(name))
    }
    try await files.sign("server", by: "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    try await files.sign("stranger", by: "other", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    try await files.sign("client", by: "ca", "subjectAltName=DNS:billing.internal")
    try await files.sign("intruder", by: "other", "subjectAltName=DNS:billing.internal")
    try await files.sign("expired", by: "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1", days: "-1")
    try await files.sign("named", by: "ca", "subjectAltName=DNS:localhost")
    try await files.sign(
      "workload", by: "ca",
      "subjectAltName=DNS:first.internal,URI:spiffe://example.com/first,DNS:second.internal,URI:spiffe://example.com/billing"
    )
    return files
  }

  func certificate(_ name: String) -> String { folder.url.appending(path: "\(name).pem").path() }
  func key(_ name: String) -> String { folder.url.appending(path: "\(name).key").path() }

  /// The server's options for a pair, and for the authority of its clients.
  func options(_ name: String = "server", clients: String? = nil) -> [String] {
    ["--tls-certificate", certificate(name), "--tls-key", key(name)]
      + (clients.map { ["--tls-client-ca", certificate($0)] } ?? [])
  }

  /// Puts one pair in the place of another.
  func replace(_ name: String, with other: String) throws {
    for (old, new) in [(certificate(name), certificate(other)), (key(name), key(other))] {
      try Data(contentsOf: URL(filePath: new)).write(to: URL(filePath: old), options: .atomic)
    }
  }

  private func output(_ name: String) -> [String] { ["-keyout", key(name), "-out", certificate(name)] }

  private func sign(_ name: String, by authority: String, _ extensions: String, days: String = "2") async throws {
    let request = folder.url.appending(path: "\(name).csr").path()
    try await openssl(
      [
        "req", "-newkey", "ed25519", "-noenc", "-subj", "/CN=\(name)", "-addext", extensions, "-keyout", key(name),
        "-out", request,
      ])
    try await openssl([
      "x509", "-req", "-in", request, "-CA", certificate(authority), "-CAkey", key(authority), "-copy_extensions",
      "copy", "-days", days, "-out", certificate(name),
    ])
  }

  private func openssl(_ arguments: [String]) async throws {
    let outcome = try await Programs.run(URL(filePath: "/usr/bin/env"), ["openssl"] + arguments)
    if outcome.status != 0 { throw Failed(errors: "\(arguments): \(outcome.errors)") }
  }
}

/// Python's `ssl` module as the other end of a connection with TLS.
enum TLSProbe {
  /// What each script begins with: `connect`, which shakes hands in TLS, and `greet`, which does so in Mana's protocol.
  private static let preamble = """
    import os, random, signal, socket, ssl, sys, time
    from mana_ledger.protocol import PREFACE, Hello, Opcode, FrameReader, encode_frame
    folder, port = sys.argv[1], int(sys.argv[2])
    def context(authority="ca", client=None):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.load_verify_locations(f"{folder}/{authority}.pem")
        made.set_alpn_protocols(["mana/1"])
        if client: made.load_cert_chain(f"{folder}/{client}.pem", f"{folder}/{client}.key")
        return made
    def connect(**options):
        plain = socket.create_connection(("127.0.0.1", port), timeout=60)
        return context(**options).wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
    def exactly(stream, count):
        read = b""
        while len(read) < count:
            more = stream.recv(count - len(read))
            if not more: raise EOFError(f"{len(read)} of {count} bytes")
            read += more
        return read
    def frame(stream):
        head = exactly(stream, 32)
        return head + exactly(stream, int.from_bytes(head[:4], "little") - 32)
    hello = PREFACE + encode_frame(Opcode.hello, Hello(instance=1, frame_bytes_max=1 << 20).encode())
    ping = lambda number: encode_frame(Opcode.ping, b"", correlation=number)
    def greet(stream):
        stream.sendall(hello)
        assert exactly(stream, len(PREFACE)) == PREFACE
        return frame(stream)

    """

  static func run(_ script: String, _ files: TLSFiles, _ server: ServerProcess) async throws -> Programs.Outcome {
    try await run(script, files, ["\(server.processIdentifier)"], port: server.port)
  }

  /// With `arguments` from `sys.argv[3]` on; the port is 0 for a script that needs none.
  static func run(
    _ script: String, _ files: TLSFiles, _ arguments: [String], port: UInt16 = 0
  ) async throws -> Programs.Outcome {
    try await Programs.run(
      URL(filePath: "/usr/bin/env"),
      ["python3", "-c", preamble + script, files.folder.path, "\(port)"] + arguments,
      environment: [
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": Programs.root.appending(path: "Clients/Python").path(),
      ])
  }
}
