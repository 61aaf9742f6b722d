import Foundation
import Glibc
import ManaProtocol
import Testing

/// What Wireshark makes of the protocol with `Protocol/mana.lua`.
@Suite struct DissectorTests {
  static let tshark = URL(filePath: "/usr/bin/tshark")
  static let dumpcap = URL(filePath: "/usr/bin/dumpcap")
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: tshark.path()) }
  static let script = Programs.root.appending(path: "Protocol/mana.lua")

  /// One golden frame; see the README of `Protocol/vectors`.
  struct Vector: Decodable {
    struct Frame: Decodable {
      struct Trace: Decodable {
        let traceFlags: Int
        let span: String
        let trace: String
      }

      let opcode: String
      let status: String
      let headerWords: Int
      let traceContext: Trace?
    }

    let name: String
    let direction: String
    let hex: String
    let valid: Bool
    let frame: Frame?
  }

  private struct File: Decodable {
    let vectors: [Vector]
  }

  /// The fields of each frame of a capture that a display filter lets through: a row a captured packet.
  private static func read(
    _ capture: URL, filter: String, fields: [String], port: UInt16? = nil
  ) async throws -> [[String]] {
    let decoding = port.map { ["-d", "tcp.port==\($0),mana"] } ?? []
    let outcome = try await Programs.run(
      tshark,
      ["-2", "-n", "-r", capture.path(), "-X", "lua_script:\(script.path())", "-Y", filter, "-T", "fields"] + decoding
        + fields.flatMap { ["-e", $0] })
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!outcome.errors.contains("Lua") && !outcome.errors.contains("mana.lua"), "\(outcome.errors)")
    return outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
  }

  /// The entries `[code] = "name"` of a table of the script.
  private static func table(_ name: String) throws -> [Int: String] {
    let text = try String(contentsOf: script, encoding: .utf8)
    let start = try #require(text.range(of: "local \(name) = {"))
    let end = try #require(text.range(of: "\n}", range: start.upperBound..<text.endIndex))
    let entries = text[start.upperBound..<end.lowerBound].matches(of: /\[(0x)?([0-9a-f]+)\] = "(\w+)"/)
    return Dictionary(
      try entries.map { entry in (try #require(Int(entry.2, radix: entry.1 == nil ? 10 : 16)), String(entry.3)) }
    ) { first, second in "\(first) and \(second)" }
  }

  @Test func itsCodesAreTheProtocols() throws {
    let statuses = try Self.table("statuses")
    #expect(statuses == Dictionary(uniqueKeysWithValues: Status.allCases.map { (Int($0.rawValue), $0.name) }))
    let opcodes = try Self.table("opcodes")
    // `welcome` is the reply to a `hello`, and `goAway` has the reply's bit.
    let calls = Opcode.allCases.filter { $0 != .welcome }
    #expect(opcodes == Dictionary(uniqueKeysWithValues: calls.map { (Int($0.rawValue & 0x7F), "\($0)") }))
    let operations = try Self.table("operations")
    #expect(operations.count == ManaProtocol.Operation.allCases.count + 1)
    for operation in ManaProtocol.Operation.allCases { #expect(operations[Int(operation.rawValue)] == operation.name) }
  }

  /// Each golden frame in a connection of its own: valid ones are understood whole, broken ones do no harm.
  @Test(.enabled(if: isInstalled, "tshark is not installed: apt install tshark"))
  func goldenFramesAreRead() async throws {
    let folder = Programs.root.appending(path: "Protocol/vectors")
    let vectors = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }
      .flatMap { try JSONDecoder().decode(File.self, from: Data(contentsOf: $0)).vectors }
    #expect(vectors.count > 500)
    let data = try TemporaryDirectory()
    let capture = data.url.appending(path: "golden.pcap")
    var file = PacketFile()
    for (index, vector) in vectors.enumerated() {
      let bytes = stride(from: 0, to: vector.hex.utf8.count, by: 2).map { place in
        let digits = vector.hex.dropFirst(place).prefix(2)
        return UInt8(digits, radix: 16)!
      }
      let preface = Array("MANA\r\n\u{1A}\u{1}".utf8)
      file.add(bytes.starts(with: preface) ? bytes : preface + bytes, stream: index)
    }
    try Data(file.bytes).write(to: capture)
    let rows = try await Self.read(
      capture, filter: "mana.opcode",
      fields: [
        "tcp.stream", "mana.opcode", "mana.status", "mana.malformed", "mana.trace", "mana.span", "mana.trace_flags",
        "mana.header_extension",
      ])
    let byStream = Dictionary(grouping: rows) { Int($0[0]) ?? -1 }
    for (index, vector) in vectors.enumerated() where vector.valid {
      guard let frame = vector.frame else { continue }
      let row = try #require(byStream[index]?.first, "\(vector.name) is not read")
      let opcode = try #require(Opcode.allCases.first { "\($0)" == frame.opcode }, "\(vector.name)")
      #expect(Int(row[1].dropFirst(2), radix: 16) == Int(opcode.rawValue & 0x7F), "\(vector.name): \(row)")
      let status = try #require(Status.allCases.first { $0.name == frame.status }, "\(vector.name)")
      #expect(row[2] == "\(status.rawValue)", "\(vector.name): \(row)")
      #expect(row[3].isEmpty, "\(vector.name) is called malformed")
      let trace = try Self.trace(of: frame)
      #expect(Array(row[4...6]) == trace, "\(vector.name): \(row)")
      #expect(row[7].contains("trace context") == (frame.traceContext != nil), "\(vector.name): \(row)")
    }
    #expect(vectors.count { $0.frame?.traceContext != nil } > 3)
    // What is no trace context is shown as what it is: of another kind, or one that cannot be used.
    let extended = try #require(vectors.firstIndex { $0.name == "spend-trace-second" })
    #expect(byStream[extended]?.first?[7] == "kind 9: 3 bytes,trace context")
    let failures = try await Self.read(capture, filter: "_ws.lua.error", fields: ["tcp.stream"])
    #expect(failures.isEmpty, "\(failures)")
  }

  /// The fields that a frame's trace context is shown in, empty without one.
  private static func trace(of frame: Vector.Frame) throws -> [String] {
    guard let context = frame.traceContext else { return ["", "", ""] }
    let trace = String(try #require(UInt128(context.trace)), radix: 16)
    let span = String(try #require(UInt64(context.span)), radix: 16)
    let flags = String(context.traceFlags, radix: 16)
    func padded(_ digits: String, _ width: Int) -> String {
      String(repeating: "0", count: width - digits.count) + digits
    }
    return [padded(trace, 32), padded(span, 16), "0x" + padded(flags, 2)]
  }

  /// A session on loopback, captured as it happens.
  @Test(
    .enabled(
      if: isInstalled && FileManager.default.isExecutableFile(atPath: dumpcap.path()) && geteuid() == 0,
      "it takes tshark (apt install tshark), and root to capture"))
  func aRealSessionIsRead() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let file = data.url.appending(path: "session.pcapng")
    let capture = try Capture(port: server.port, into: file)
    let calls: [(arguments: [String], isRefused: Bool)] = [
      (["purchase", "42", "500", "--reference", "pi_123", "--note", "$40 Creator Pack"], false),
      (["spend", "42", "1.5", "--operation", "variation", "--id", "7001"], false),
      (["spend", "42", "9000", "--operation", "export"], true), (["refund", "42", "--of", "7001"], false),
      (["history", "42"], false), (["account", "43"], true), (["server"], false), (["drain"], false),
    ]
    // Who is still connected at the end is told of it; the caller that asks for the end may be gone by then.
    let waiting = try RawConnection(port: server.port)
    try waiting.shakeHands()
    for call in calls {
      let outcome = try await Programs.mana(call.arguments, server: server)
      #expect((outcome.status != 0) == call.isRefused, "\(call.arguments): \(outcome.errors)")
    }
    #expect(try server.ended(within: 60)?.status == 0)
    #expect(try waiting.receiveFrame().header.opcode == Opcode.goAway.rawValue)
    try await capture.end()

    let broken = try await Self.read(file, filter: "mana.malformed or _ws.lua.error", fields: ["frame.number"])
    #expect(broken.isEmpty)
    // Every request has its reply, and each names the other.
    let requests = try await Self.read(
      file, filter: "mana.reply == 0 and mana.opcode != 1", fields: ["frame.number", "mana.reply_in"])
    #expect(requests.count >= calls.count && requests.allSatisfy { !$0[1].isEmpty }, "\(requests)")
    let replies = try await Self.read(
      file, filter: "mana.request_in", fields: ["frame.number", "mana.request_in", "mana.time"])
    #expect(Set(replies.map { [$0[1], $0[0]] }) == Set(requests))
    #expect(replies.allSatisfy { (Double($0[2]) ?? -1) >= 0 }, "\(replies)")

    let spends = try await Self.read(
      file, filter: "mana.opcode == 0x10 and mana.reply == 0",
      fields: ["mana.account", "mana.amount", "mana.operation"])
    #expect(spends == [["42", "1500000", "3"], ["42", "9000000000", "5"]])
    let results = try await Self.read(
      file, filter: "mana.opcode == 0x10 and mana.reply == 1", fields: ["mana.item_status"])
    #expect(results == [["0"], ["\(Status.insufficientBalance.rawValue)"]])
    let history = try await Self.read(
      file, filter: "mana.opcode == 0x20 and mana.reply == 1",
      fields: ["mana.total", "mana.type", "mana.reference", "mana.note"])
    try #require(history.count == 1 && history[0].prefix(3) == ["3", "3,1,2", "pi_123"], "\(history)")
    #expect(history[0][3].hasSuffix("$40 Creator Pack"), "\(history)")
    let refused = try await Self.read(file, filter: "mana.status == 17", fields: ["mana.error"])
    #expect(refused == [["no purchase or bonus has created this account"]])
    let goAways = try await Self.read(file, filter: "mana.opcode == 2", fields: ["mana.status"])
    #expect(!goAways.isEmpty && goAways.allSatisfy { $0 == ["\(Status.shuttingDown.rawValue)"] }, "\(goAways)")
  }
}

/// A capture in the pcap format: raw IPv4 packets, one TCP segment each.
private struct PacketFile {
  private(set) var bytes: [UInt8] = []

  init() {
    for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0x0004_0000, 101] as [UInt32] { add(word) }
  }

  /// A segment from the server's port, in a connection that differs from others by its client's port.
  mutating func add(_ payload: [UInt8], stream: Int) {
    let length = 40 + payload.count
    for word in [0, 0, UInt32(length), UInt32(length)] as [UInt32] { add(word) }
    // IPv4: no checksum is verified unless one asks for it.
    bytes += [0x45, 0] + big(UInt16(length)) + [0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]
    bytes += big(UInt16(40_000)) + big(UInt16(10_000 + stream)) + [0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF]
    bytes += [0, 0, 0, 0] + payload
  }

  private func big(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

  private mutating func add(_ word: UInt32) { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
}

/// A capture on loopback that is under way.
private final class Capture {
  private let process = Process()

  /// Begins to capture what a port is sent and answers, and waits until it does.
  init(port: UInt16, into file: URL) throws {
    // A thread of the tests may block the signal that ends a capture, and its children would inherit that.
    let unblocking =
      "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = [
      "-c", unblocking, DissectorTests.dumpcap.path(), "-q", "-i", "lo", "-f", "tcp port \(port)", "-w", file.path(),
    ]
    let errors = Pipe()
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !text.contains("File: ") {
      let bytes = errors.fileHandleForReading.availableData
      try #require(!bytes.isEmpty, "dumpcap ended: \(text)")
      text += String(decoding: bytes, as: UTF8.self)
    }
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// Ends once what the system still has of packets is in the file.
  func end() async throws {
    try await Task.sleep(for: .seconds(1))
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
