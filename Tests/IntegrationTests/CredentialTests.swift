import Foundation
import ManaClient
import ManaProtocol
import Testing

/// Who is let in and what each may do, as the Swift client, the Python client and the command line see it.
@Suite struct CredentialTests {
  /// A ledger's directory with tokens in it.
  struct Rig {
    let data: TemporaryDirectory
    var ledger: String { data.url.appending(path: "ledger").path() }

    init() throws {
      data = try TemporaryDirectory()
      try FileManager.default.createDirectory(atPath: ledger, withIntermediateDirectories: true)
    }

    /// Makes a token through the command.
    func token(_ name: String, _ roles: [String], _ more: [String] = []) async throws -> String {
      let outcome = try await tool(["create", name] + roles.flatMap { ["--role", $0] } + more)
      try #require(outcome.status == 0, "\(outcome.errors)")
      return outcome.output.trimmingCharacters(in: .newlines)
    }

    func tool(_ arguments: [String]) async throws -> Programs.Outcome {
      try await Programs.run(
        Programs.folder.appending(path: "mana-server"), ["token"] + arguments + ["--directory", ledger])
    }

    /// Writes the token into a file of its own.
    func file(_ token: String) throws -> String {
      let file = data.url.appending(path: "token-\(UUID().uuidString)")
      try Data((token + "\n").utf8).write(to: file)
      return file.path()
    }

    func server(_ arguments: [String] = [], listen: String = "127.0.0.1:0") throws -> ServerProcess {
      try ServerProcess(data: data, listen: listen, arguments: arguments)
    }
  }

  static func configuration(_ token: String?) -> ManaClient.Configuration {
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.credential = token.map { .token($0) }
    return configuration
  }

  /// What the Swift client's call is refused with; nil when it goes well.
  static func refusal(
    _ server: ServerProcess, _ token: String?, _ call: @Sendable (ManaClient) async throws -> Void
  ) async throws -> String? {
    let address = try #require(ManaAddress(server.address))
    do {
      try await withManaClient(address: address, configuration: configuration(token)) { try await call($0) }
      return nil
    } catch let error as ManaError {
      #expect(error.execution == .notExecuted)
      return error.status?.name ?? "\(error)"
    }
  }

  static func python(_ arguments: [String], server: ServerProcess, token: String) async throws -> Programs.Outcome {
    try await Programs.run(
      URL(filePath: "/usr/bin/env"), ["python3", "-m", "mana_ledger", "--server", server.address] + arguments,
      environment: [
        "MANA_TOKEN": token, "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": Programs.root.appending(path: "Clients/Python").path(),
      ])
  }

  @Test func aStolenReadTokenCannotSpend() async throws {
    let rig = try Rig()
    let read = try await rig.token("reports", ["read"])
    let write = try await rig.token("shop", ["spend", "credit"])
    let server = try rig.server()
    #expect(try await Self.refusal(server, write) { _ = try await $0.purchase(42, 500) } == nil)

    #expect(try await Self.refusal(server, read) { _ = try await $0.account(42) } == nil)
    #expect(
      try await Self.refusal(server, read) { _ = try await $0.spend(42, 1, for: .export) } == "roleMissing")
    #expect(
      try await Self.refusal(server, read) { _ = try await $0.purchase(42, 1) } == "roleMissing")
    #expect(try await Self.refusal(server, write) { _ = try await $0.account(42) } == "roleMissing")
    #expect(try await Self.refusal(server, read) { _ = try await $0.ping() } == nil)

    let file = try rig.file(read)
    let spend = ["spend", "42", "1", "--operation", "export"]
    let ours = try await Programs.mana(spend + ["--token-file", file], server: server)
    #expect(ours.status == 2 && ours.errors.contains("roleMissing") && ours.errors.contains("spend"), "\(ours.errors)")
    let shown = try await Programs.mana(["account", "42", "--json", "--token-file", file], server: server)
    #expect(shown.status == 0 && shown.output.contains("\"500.0\""), "\(shown)")

    let theirs = try await Self.python(["spend", "42", "1", "export"], server: server, token: read)
    #expect(theirs.status == 1 && theirs.errors.contains("roleMissing"), "\(theirs)")
    let seen = try await Self.python(["account", "42", "--json"], server: server, token: read)
    #expect(seen.status == 0 && seen.output.contains("\"500.0\""), "\(seen)")

    let load = try await Programs.run(
      Programs.folder.appending(path: "mana-load"),
      [
        "--server", server.address, "--transactions", "100", "--warmup", "0", "--batch", "10", "--accounts", "10",
        "--token-file", file,
      ])
    #expect(load.status != 0 && load.errors.contains("roleMissing"), "\(load)")
  }

  /// A mixed batch needs a role for each of its items, and is refused whole.
  @Test(arguments: [1, 3]) func aMixedBatchNeedsEachRole(shards: Int) async throws {
    let rig = try Rig()
    let token = try await rig.token("shop", ["spend", "read"])
    let server = try ServerProcess(data: rig.data, shards: shards)
    var caller = try Caller(server, account: 7, token: token)
    let items = [caller.spend(id: 1), Item(id: 2, account: 8, amount: 5, type: .bonus, operation: .bonus)]
    try caller.connection.send(frame(.post, correlation: 1, body: batchBody(items)))
    let reply = try caller.connection.receiveFrame()
    #expect(reply.header.status == Status.roleMissing.rawValue)
    #expect(reply.header.flags == [.notExecuted])
    let error = try reply.body.withUnsafeBytes { try ErrorBody(reading: $0) }
    #expect(error.detail == 1)
    #expect(try caller.post([caller.spend(id: 1)]).map(\.status) == [.accountUnknown])
  }

  @Test func onlyThoseWhoAreKnownAreLetIn() async throws {
    let rig = try Rig()
    let token = try await rig.token("shop", ["read"])
    let server = try rig.server()
    let cases: [(String?, String)] = [
      (nil, "credentialMissing"), (token + "A", "credentialUnknown"), (token.lowercased(), "credentialUnknown"),
      ("mana_", "credentialUnknown"), (String(repeating: "x", count: 1_000), "credentialUnknown"),
    ]
    for (wrong, status) in cases {
      #expect(try await Self.refusal(server, wrong) { _ = try await $0.ping() } == status)
    }
    let ours = try await Programs.mana(["ping"], server: server)
    #expect(ours.status == 69 && ours.errors.contains("credentialMissing"), "\(ours)")
    #expect(ours.errors.contains("--token-file"), "\(ours)")
    let theirs = try await Self.python(["ping"], server: server, token: "wrong")
    #expect(theirs.status == 3 && theirs.errors.contains("credentialUnknown"), "\(theirs)")
  }

  @Test func aTokenIsReplacedWhileBothWork() async throws {
    let rig = try Rig()
    let old = try await rig.token("shop", ["read"])
    let server = try rig.server()
    let caller = try Caller(server, account: 1, token: old)
    let new = try await rig.token("shop", ["read"])
    #expect(try await rig.tool(["create", "shop", "--role", "read"]).status == 78)
    kill(server.processIdentifier, SIGHUP)
    try await eventually { try await Self.refusal(server, new) { _ = try await $0.ping() } == nil }
    #expect(try await Self.refusal(server, old) { _ = try await $0.ping() } == nil)

    let list = try await rig.tool(["list", "--json"])
    let lines = list.output.split(separator: "\n")
    try #require(lines.count == 2)
    let first = try object(String(lines[0]))
    let id = try #require(first["id"] as? String)
    #expect(first["name"] as? String == "shop" && first["roles"] as? [String] == ["read"])
    #expect(try await rig.tool(["revoke", "shop", "--id", "00000000"]).status == 66)
    #expect(try await rig.tool(["revoke", "shop", "--id", id]).status == 0)
    kill(server.processIdentifier, SIGHUP)
    try await eventually { try await Self.refusal(server, old) { _ = try await $0.ping() } == "credentialUnknown" }
    #expect(try await Self.refusal(server, new) { _ = try await $0.ping() } == nil)
    // Whoever is connected with it is sent away.
    let farewell = try caller.connection.receiveFrame()
    #expect(farewell.header.opcode == Opcode.goAway.rawValue)
    #expect(farewell.header.status == Status.credentialUnknown.rawValue)
    #expect(caller.connection.receiveToEnd().isEmpty)
  }

  /// A mistake in the file, or a file that is gone, does not open a running server.
  @Test func aBrokenFileChangesNothing() async throws {
    let rig = try Rig()
    let token = try await rig.token("shop", ["read"])
    let server = try rig.server()
    let file = rig.ledger + "/credentials"
    try Data("mana-credentials 1\nuser 0 roles=everything\n".utf8).write(to: URL(filePath: file))
    kill(server.processIdentifier, SIGHUP)
    try FileManager.default.removeItem(atPath: file)
    kill(server.processIdentifier, SIGHUP)
    #expect(try await Self.refusal(server, token) { _ = try await $0.ping() } == nil)
    #expect(try await Self.refusal(server, nil) { _ = try await $0.ping() } == "credentialMissing")
    #expect(server.terminate() == 0)
  }

  @Test func aFileThatOthersMayWriteIsRefused() async throws {
    let rig = try Rig()
    _ = try await rig.token("shop", ["read"])
    let file = rig.ledger + "/credentials"
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    #expect((attributes[.posixPermissions] as? Int) == 0o600)
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file)
    #expect { try rig.server() } throws: { error in
      guard let error = error as? ServerProcess.DidNotStart else { return false }
      return error.status == 78 && error.errors.contains("chmod 600")
    }
  }

  @Test(arguments: ["0.0.0.0:0", "[::]:0"]) func listeningBeyondThisMachineIsRefused(address: String) async throws {
    let rig = try Rig()
    func refused(_ word: String) {
      #expect { try rig.server(listen: address) } throws: { error in
        guard let error = error as? ServerProcess.DidNotStart else { return false }
        return error.status == 78 && error.errors.contains(word) && error.errors.contains("--insecure-listen")
      }
    }
    refused("token create")
    _ = try await rig.token("shop", ["read"])
    refused("TLS")
    let server = try rig.server(["--insecure-listen"], listen: address)
    #expect(server.terminate() == 0)
  }

  /// A token that comes over a network in the clear is not looked at.
  @Test func aTokenInTheClearIsRefused() async throws {
    let rig = try Rig()
    let token = try await rig.token("shop", ["read"])
    let server = try rig.server(["--insecure-listen"], listen: "0.0.0.0:0")
    guard let host = networkAddress() else { return }
    let address = try #require(ManaAddress("\(host):\(server.port)"))
    do {
      try await withManaClient(address: address, configuration: Self.configuration(token)) { _ = try await $0.ping() }
      Issue.record("the token was taken")
    } catch let error as ManaError {
      #expect(error.status == .credentialExposed)
    }
    let local = try #require(ManaAddress("127.0.0.1:\(server.port)"))
    try await withManaClient(address: local, configuration: Self.configuration(token)) { _ = try await $0.ping() }
  }

  @Test(arguments: ["read", "spend", "credit"]) func onlyAnOperatorDrains(role: String) async throws {
    let rig = try Rig()
    let (other, operate) = (try await rig.token("other", [role]), try await rig.token("operator", ["operate"]))
    let server = try rig.server()
    #expect(try await Self.refusal(server, other) { try await $0.drainServer() } == "roleMissing")
    #expect(
      try await Self.refusal(server, other) { _ = try await $0.shardStatus() } == (role == "read" ? nil : "roleMissing")
    )
    #expect(try await Self.refusal(server, operate) { _ = try await $0.shardStatus() } == nil)
    #expect(server.isRunning)
    #expect(try await Self.refusal(server, operate) { try await $0.drainServer() } == nil)
    #expect(try server.ended(within: 60)?.status == 0)
  }

  /// The user at the other end of a Unix socket, by a line of the file.
  @Test func aUserIsKnownAtAUnixSocket() async throws {
    let rig = try Rig()
    let path = rig.data.url.appending(path: "s").path()
    let file = URL(filePath: rig.ledger + "/credentials")
    func write(_ user: UInt32) throws {
      try Data("mana-credentials 1\nuser \(user) roles=read\n".utf8).write(to: file)
    }
    try write(getuid())
    let server = try rig.server(listen: "unix:\(path)")
    #expect(try await Self.refusal(server, nil) { _ = try await $0.serverStatus() } == nil)
    #expect(
      try await Self.refusal(server, nil) { _ = try await $0.spend(42, 1, for: .export) } == "roleMissing")
    try write(getuid() + 1)
    kill(server.processIdentifier, SIGHUP)
    try await eventually { try await Self.refusal(server, nil) { _ = try await $0.ping() } == "credentialMissing" }
  }
}

/// Waits until a condition holds, for at most a minute.
func eventually(_ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "it did not happen within a minute")
    try await Task.sleep(for: .milliseconds(20))
  }
}

/// An IPv4 address of this machine that is not a loopback one; nil when it has none.
private func networkAddress() -> String? {
  var list: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&list) == 0 else { return nil }
  defer { freeifaddrs(list) }
  var entry = list
  while let interface = entry?.pointee {
    entry = interface.ifa_next
    guard let address = interface.ifa_addr, address.pointee.sa_family == UInt16(AF_INET) else { continue }
    var host = [CChar](repeating: 0, count: 64)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    guard getnameinfo(address, length, &host, 64, nil, 0, NI_NUMERICHOST) == 0 else { continue }
    let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if !text.hasPrefix("127.") { return text }
  }
  return nil
}
