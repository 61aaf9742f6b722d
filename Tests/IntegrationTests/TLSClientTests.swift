import Foundation
import ManaClient
import Testing

/// The Swift client and its command line over TLS, against the real server and against others.
@Suite struct TLSClientTests {
  private func configuration(
    _ files: TLSFiles, authority: String = "ca", client: String? = nil, serverName: String? = nil
  ) -> ManaClient.Configuration {
    var configuration = ManaClient.Configuration()
    configuration.tls = .init(
      trustRoots: .file(files.certificate(authority)), certificate: client.map(files.certificate),
      key: client.map(files.key), serverName: serverName)
    configuration.deadline = .seconds(60)
    return configuration
  }

  @Test func callsAndLargeBatchesGoThrough() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options(clients: "ca") + ["--log-level", "debug"])
    let address = try #require(ManaAddress(server.address))
    let configuration = configuration(files, client: "client", serverName: "localhost")
    try await withManaClient(address: address, configuration: configuration) { client in
      try await client.purchase(42, 100_000, note: "TLS")
      // Some two megabytes each way, in many records.
      var batch = Batch()
      for _ in 0..<8_000 { try batch.spend(42, Mana(1), for: .imageGeneration) }
      let results = try await client.post(batch)
      #expect(results.allSatisfy { if case .success = $0 { true } else { false } })
      let account = try await client.account(42)
      #expect(account.balance == Mana(92_000))
    }
    // The client says farewell, so that nothing looks cut off.
    #expect(server.terminate() == 0)
    let log = try server.log
    #expect(!log.contains("close_notify"), "\(log)")
  }

  @Test func aNumericAddressIsLookedForAmongTheAddressesOfTheCertificate() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options())
    let ping = try await Programs.mana(["ping", "--tls-ca", files.certificate("ca")], server: server)
    #expect(ping.status == 0, "\(ping.errors)")
    // The one without an address among its names is refused.
    try files.replace("server", with: "named")
    let otherData = try TemporaryDirectory()
    let other = try ServerProcess(data: otherData, arguments: files.options())
    let refused = try await Programs.mana(["ping", "--tls-ca", files.certificate("ca")], server: other)
    #expect(refused.status == 69 && refused.errors.contains("does not name '127.0.0.1'"), "\(refused.errors)")
  }

  @Test(
    arguments: [
      (["--tls-ca", "FOLDER/other.pem"], nil, "not vouched for by an authority"),
      (["--tls-ca", "FOLDER/ca.pem", "--tls-server-name", "elsewhere"], nil, "does not name 'elsewhere'"),
      (["--tls-ca", "FOLDER/ca.pem"], "ca", "demands a certificate of its clients"),
      (
        ["--tls-ca", "FOLDER/ca.pem", "--tls-certificate", "FOLDER/intruder.pem", "--tls-key", "FOLDER/intruder.key"],
        "ca",
        "the server does not trust the authority of this client's certificate"
      ),
      (["--tls-ca", "FOLDER/absent.pem"], nil, "cannot read the certificate of the authorities"),
      (
        ["--tls-ca", "FOLDER/ca.pem", "--tls-certificate", "FOLDER/client.pem", "--tls-key", "FOLDER/intruder.key"],
        nil,
        "does not belong to the certificate"
      ),
      ([], nil, "connect with TLS"),
    ] as [([String], String?, String)])
  func whatIsWrongIsSaid(options: [String], clients: String?, message: String) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options(clients: clients))
    let arguments = options.map { $0.replacing("FOLDER", with: files.folder.path) }
    let outcome = try await Programs.mana(["ping"] + arguments, server: server)
    #expect(outcome.status == 69 && outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test func aServerInTheClearIsNamed() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let outcome = try await Programs.mana(["ping", "--tls"], server: server)
    #expect(outcome.status == 69 && outcome.errors.contains("connect without TLS"), "\(outcome.errors)")
  }

  /// Servers that are not Mana's, since that would not start with an expired certificate.
  @Test(arguments: [
    ("expired", "mana/1", "the server's certificate has expired"), ("server", "h2", "it is not a Mana server"),
    ("server", "", "it is not a Mana server"),
  ])
  func otherServersAreTold(certificate: String, offered: String, message: String) async throws {
    let files = try await TLSFiles.make()
    let outcome = try await TLSProbe.run(
      """
      import subprocess, threading
      listener = socket.create_server(("127.0.0.1", 0))
      made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
      made.load_cert_chain(f"{folder}/{sys.argv[4]}.pem", f"{folder}/{sys.argv[4]}.key")
      if sys.argv[5]: made.set_alpn_protocols([sys.argv[5]])
      def serve():
          while True:
              try:
                  with made.wrap_socket(listener.accept()[0], server_side=True) as stream: stream.recv(1)
              except OSError: pass
      threading.Thread(target=serve, daemon=True).start()
      address = f"127.0.0.1:{listener.getsockname()[1]}"
      done = subprocess.run([sys.argv[3], "ping", "--server", address, "--tls-ca", f"{folder}/ca.pem"],
          capture_output=True, text=True, timeout=120)
      print(done.returncode, done.stderr)
      """, files, [Programs.folder.appending(path: "mana").path(), certificate, offered])
    #expect(outcome.output.hasPrefix("69") && outcome.output.contains(message), "\(outcome)")
  }

  @Test func filesPutRightAreTakenWithoutANewClient() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options(clients: "ca"))
    let address = try #require(ManaAddress(server.address))
    try files.replace("mine", with: "intruder")
    try await withManaClient(address: address, configuration: configuration(files, client: "mine")) { client in
      let error = await #expect(throws: ManaError.self) { try await client.ping() }
      #expect(error?.code == .tlsFailed && error?.execution == .notExecuted, "\(String(describing: error))")
      try files.replace("mine", with: "client")
      while true {
        do {
          _ = try await client.ping()
          break
        } catch let error as ManaError where error.code == .tlsFailed {
          try await Task.sleep(for: .milliseconds(10))
        }
      }
    }
  }

  @Test func theEnvironmentSpeaksForTheOptions() async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options(clients: "ca"))
    let environment = [
      "MANA_SERVER": server.address, "MANA_TLS_CA": files.certificate("ca"), "NO_COLOR": "1",
      "MANA_TLS_CERTIFICATE": files.certificate("client"), "MANA_TLS_KEY": files.key("client"),
      "MANA_TLS_SERVER_NAME": "localhost",
    ]
    let program = Programs.folder.appending(path: "mana")
    let ping = try await Programs.run(program, ["ping"], environment: environment)
    #expect(ping.status == 0, "\(ping.errors)")
    let plain = try await Programs.run(program, ["ping", "--no-tls"], environment: environment)
    #expect(plain.status == 69 && plain.errors.contains("connect with TLS"), "\(plain.errors)")
    let odd = try await Programs.run(
      program, ["ping"], environment: environment.merging(["MANA_TLS": "perhaps"]) { $1 })
    #expect(odd.status == 64 && odd.errors.contains("MANA_TLS is 'perhaps'"), "\(odd.errors)")
  }

  @Test(
    arguments: [
      (["--tls-ca", "FOLDER/ca.pem"], nil, 0, ""), (["--tls-ca", "FOLDER/other.pem"], nil, 3, "is not trusted"),
      (["--tls-ca", "FOLDER/ca.pem", "--tls-server-name", "elsewhere"], nil, 3, "does not name the host"),
      (["--tls-ca", "FOLDER/ca.pem"], "ca", 3, "demands a certificate of its clients"),
      (
        ["--tls-ca", "FOLDER/ca.pem", "--tls-certificate", "FOLDER/client.pem", "--tls-key", "FOLDER/client.key"], "ca",
        0,
        ""
      ), (["--tls-ca", "FOLDER/absent.pem"], nil, 3, "cannot read the authorities"), ([], nil, 3, "connect with TLS"),
    ] as [([String], String?, Int32, String)])
  func thePythonClientDoesLikewise(options: [String], clients: String?, status: Int32, message: String) async throws {
    let data = try TemporaryDirectory()
    let files = try await TLSFiles.make()
    let server = try ServerProcess(data: data, arguments: files.options(clients: clients))
    let arguments = options.map { $0.replacing("FOLDER", with: files.folder.path) }
    let outcome = try await Programs.run(
      URL(filePath: "/usr/bin/env"),
      ["python3", "-m", "mana_ledger", "--server", server.address] + arguments + ["purchase", "42", "7"],
      environment: [
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": Programs.root.appending(path: "Clients/Python").path(),
      ])
    #expect(outcome.status == status && (message.isEmpty || outcome.errors.contains(message)), "\(outcome)")
  }
}

/// The load tester over TLS.
@Suite struct TLSLoadTests {
  @Test(arguments: ["combination-batches", "single-calls", "mixed"])
  func theLoadTesterSpeaksTLS(scenario: String) async throws {
    let rig = try CredentialTests.Rig()
    let token = try await rig.token("load", ["read", "spend", "credit"])
    let files = try await TLSFiles.make()
    let server = try rig.server(files.options(clients: "ca"))
    let options = [
      "--server", server.address, "--scenario", scenario, "--transactions", "5000", "--warmup", "0", "--accounts", "50",
      "--connections", "2", "--verify", "--json",
    ]
    let load = Programs.folder.appending(path: "mana-load")
    let tls = [
      "--tls-ca", files.certificate("ca"), "--tls-certificate", files.certificate("client"), "--tls-key",
      files.key("client"),
    ]
    let outcome = try await Programs.run(
      load, options + tls + ["--through", "client"], environment: ["MANA_TOKEN": token])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let result = try object(outcome.output.trimmingCharacters(in: .newlines))
    #expect((result["command"] as? String)?.contains("--tls-ca \(files.certificate("ca"))") == true)
    #expect((result["command"] as? String)?.contains(token) == false)
    let other = ["--tls-ca", files.certificate("other"), "--through", "client"]
    let refused = try await Programs.run(load, options + other, environment: ["MANA_TOKEN": token])
    #expect(refused.status == 69 && refused.errors.contains("not vouched for"), "\(refused.errors)")
    #expect(server.terminate() == 0)
  }
}
