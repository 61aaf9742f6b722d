import Foundation
import ManaProtocol
import Testing

/// A disk that is really full: a small ext4 of its own, mounted from a file.
@Suite(.enabled("root, loop devices and mkfs.ext4 are to be had") { await SmallDisk.isUsable() }, .serialized)
struct FullDiskTests {
  /// Fills the rest of the disk, but for less than a segment.
  private static func fill(_ disk: SmallDisk) throws -> URL {
    let filler = disk.url.appending(path: "filler")
    try Data().write(to: filler)
    let handle = try FileHandle(forWritingTo: filler)
    for size in [1 << 20, 1 << 16, 1 << 12] {
      while true {
        do {
          try handle.write(contentsOf: Data(repeating: 0xAA, count: size))
          try handle.synchronize()
        } catch {
          break
        }
      }
    }
    try handle.close()
    return filler
  }

  /// One charge; nil when the server says that the disk is full.
  private static func charge(_ caller: inout Caller, _ id: Int) throws -> ItemResult? {
    let reply = try caller.call(.post, batchBody([caller.spend(id: UInt128(id + 2))], flags: [.fullResults]))
    if reply.header.status == Status.diskFull.rawValue {
      #expect(reply.header.flags.contains([.notExecuted, .retryable]))
      return nil
    }
    #expect(reply.header.status == 0)
    return try reply.body.withUnsafeBytes { try BatchReplyView(reading: $0)[0] }
  }

  @Test func writesAreRefusedAndResumeByThemselves() async throws {
    let disk = try await SmallDisk(megabytes: 24)
    let data = try TemporaryDirectory()
    let ledger = disk.url.appending(path: "ledger").path()
    var server = try ServerProcess(data: data, ledger: ledger, shards: 1, arguments: ["--segment-bytes", "65536"])
    var caller = try Caller(server, account: 7)
    _ = try caller.credit(1_000_000, id: 1)
    let filler = try Self.fill(disk)

    // Charges until the segments that are there are full.
    var accepted = 0
    while try Self.charge(&caller, accepted) != nil { accepted += 1 }
    #expect(accepted > 0 && accepted < 2_000)
    // Reads go on, refused charges changed nothing, and each is refused again.
    for _ in 0..<5 {
      #expect(try Self.charge(&caller, accepted) == nil)
      let overview = try caller.overview()
      #expect(overview.balance == Int64(1_000_000 - accepted) && overview.transactions == UInt64(accepted + 1))
    }

    // A server starts on a full disk, and serves reads there.
    server.kill()
    server = try ServerProcess(data: data, ledger: ledger)
    caller = try Caller(server, account: 7)
    #expect(try caller.overview().transactions == UInt64(accepted + 1))
    let replay = try Self.charge(&caller, accepted)
    #expect(replay == nil || replay?.replayed == false)
    if replay != nil { accepted += 1 }

    // Room again: nobody has to tell the server.
    try FileManager.default.removeItem(at: filler)
    let deadline = Date(timeIntervalSinceNow: 15)
    while try Self.charge(&caller, accepted) == nil {
      try #require(Date() < deadline, "writes did not resume")
      try await Task.sleep(for: .milliseconds(100))
    }
    accepted += 1
    for id in accepted..<accepted + 500 { #expect(try Self.charge(&caller, id)?.replayed == false) }
    accepted += 500
    let overview = try caller.overview()
    #expect(overview.balance == Int64(1_000_000 - accepted) && overview.transactions == UInt64(accepted + 1))
    #expect(server.terminate() == 0)
    let verified = try await Programs.run(Programs.folder.appending(path: "mana-server"), ["verify", ledger])
    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
  }
}

/// An ext4 of a few megabytes in a file, mounted for the length of a test.
final class SmallDisk {
  struct Unusable: Error {}

  let url: URL
  private let folder: TemporaryDirectory

  static func isUsable() async -> Bool {
    do {
      _ = try await SmallDisk(megabytes: 8)
      return true
    } catch {
      return false
    }
  }

  init(megabytes: Int) async throws {
    folder = try TemporaryDirectory()
    url = folder.url.appending(path: "disk")
    let image = folder.url.appending(path: "image").path()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for line in [
      ["truncate", "--size", "\(megabytes)M", image], ["mkfs.ext4", "-q", "-F", "-m", "0", image],
      ["mount", "-o", "loop", image, url.path()],
    ] {
      let outcome = try await Programs.run(URL(filePath: "/usr/bin/env"), line)
      guard outcome.status == 0 else { throw Unusable() }
    }
  }

  deinit {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["umount", "--lazy", url.path()]
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
      process.waitUntilExit()
    } catch {
      print("a test's disk was left mounted: \(error)")
    }
  }
}
