import Foundation
import Testing

@testable import ManaAccess

/// A caller's day: what is left of it, across restarts and crashes.
@Suite struct CreditUsageTests {
  static let day: UInt64 = 86_400_000_000_000
  /// Noon of 2026-11-26.
  static let noon: UInt64 = 20_783 * day + day / 2

  /// A directory that is gone in the end.
  final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "mana-usage-\(UUID().uuidString)")
    var path: String { url.appending(path: "credit-usage").path() }
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false) }
    // What cannot be removed stays in the temporary folder.
    deinit { try? FileManager.default.removeItem(at: url) }
  }

  /// What is granted; nil when it is more than what is left, or cannot be written.
  static func claim(
    _ usage: CreditUsage, _ amount: UInt64, of identity: String = "token shop", limit: UInt64 = 6_400,
    at time: UInt64 = noon
  ) -> CreditUsage.Claim? {
    if case .granted(let claim) = usage.claim(amount, of: identity, limit: limit, at: time) { claim } else { nil }
  }

  static func left(_ usage: CreditUsage, limit: UInt64 = 6_400, at time: UInt64 = noon) -> UInt64? {
    if case .exceeded(let left) = usage.claim(.max, of: "token shop", limit: limit, at: time) { left } else { nil }
  }

  @Test func aDayHasItsLimit() throws {
    let usage = CreditUsage()
    let first = try #require(Self.claim(usage, 4_000))
    #expect(Self.claim(usage, 2_401) == nil && Self.left(usage) == 2_400)
    #expect(Self.claim(usage, 6_400, of: "token billing") != nil, "each caller has its own")
    usage.settle(first, credited: 1_000)
    #expect(Self.left(usage) == 5_400)
    #expect(Self.claim(usage, 5_400) != nil && Self.claim(usage, 1) == nil && Self.claim(usage, 0) != nil)
    #expect(Self.left(usage, limit: 100) == 0, "a limit that was lowered")
  }

  @Test func aDayBeginsAtMidnightAndNeverAgain() throws {
    let usage = CreditUsage()
    let midnight = Self.noon + Self.day / 2
    let before = try #require(Self.claim(usage, 6_400, at: midnight - 1))
    #expect(Self.claim(usage, 1, at: midnight - 1) == nil)
    #expect(Self.claim(usage, 6_000, at: midnight) != nil)
    // What came of the day before does not concern this one.
    usage.settle(before, credited: 0)
    #expect(Self.left(usage, at: midnight) == 400)
    #expect(Self.left(usage, at: Self.noon) == 400, "the clock was set back")
  }

  @Test func aStopLosesNothingAndACrashLittle() throws {
    let folder = try Folder()
    for round in 0..<3 {
      let usage = try CreditUsage(path: folder.path)
      #expect(Self.left(usage) == 6_400 - UInt64(round) * 1_000)
      usage.settle(try #require(Self.claim(usage, 1_500)), credited: 1_000)
      try usage.close()
    }
    // Crashes: what was claimed counts, and a 64th of the limit at the most.
    let crashed = try CreditUsage(path: folder.path)
    #expect(Self.claim(crashed, 400) != nil)
    let left = try #require(Self.left(try CreditUsage(path: folder.path)))
    #expect((2_900...3_000).contains(left))
    // The next day begins whole.
    #expect(Self.left(try CreditUsage(path: folder.path), at: Self.noon + Self.day) == 6_400)
  }

  /// However often it crashes, and wherever, no day's credits exceed the limit.
  @Test func noCrashGivesMoreThanADay() throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = Generator(state: seed)
    let folder = try Folder()
    let limit: UInt64 = 1_000
    var credited: [UInt64: UInt64] = [:]
    var usage = try CreditUsage(path: folder.path)
    var time = Self.noon
    for _ in 0..<2_000 {
      time += UInt64.random(in: 0...Self.day / 200, using: &random)
      if Int.random(in: 0..<50, using: &random) == 0 {
        if Bool.random(using: &random) { try usage.close() }
        usage = try CreditUsage(path: folder.path)
      }
      guard let claim = Self.claim(usage, .random(in: 0...200, using: &random), limit: limit, at: time) else {
        continue
      }
      let part = UInt64.random(in: 0...claim.amount, using: &random)
      credited[time / Self.day, default: 0] += part
      // Some are in flight when the next crash comes.
      if Int.random(in: 0..<4, using: &random) > 0 { usage.settle(claim, credited: part) }
    }
    #expect(credited.count > 3, "seed \(seed)")
    #expect(credited.values.allSatisfy { $0 <= limit }, "seed \(seed): \(credited)")
    #expect(credited.values.contains { $0 > limit / 2 }, "seed \(seed): \(credited)")
  }

  @Test func mostCreditsWriteNothing() throws {
    let folder = try Folder()
    let usage = try CreditUsage(path: folder.path)
    var versions: Set<String> = []
    for _ in 0..<6_400 {
      #expect(Self.claim(usage, 1) != nil)
      versions.insert(try String(contentsOfFile: folder.path, encoding: .utf8))
    }
    #expect(versions.count <= 65 && versions.count > 1)
  }

  @Test func whatCannotBeWrittenIsNotGranted() throws {
    let folder = try Folder()
    let usage = try CreditUsage(path: folder.path)
    try FileManager.default.removeItem(at: folder.url)
    guard case .unrecorded = usage.claim(1, of: "token shop", limit: 10, at: Self.noon) else {
      Issue.record("it was granted")
      return
    }
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: false)
    #expect(Self.claim(usage, 10, limit: 10) != nil)
  }

  @Test(arguments: [
    "", "mana-credit-usage 1", "mana-credit-usage 2\n", "mana-credit-usage 1\n2026-11-26 1.0 token a",
    "mana-credit-usage 1\n2026-11-26 one token a\n", "mana-credit-usage 1\n2026-11-26 1.0\n",
    "mana-credit-usage 1\n2026-11-26 1.0 token a\n2026-11-26 1.0 token a\n",
  ])
  func aDoubtfulFileIsRefused(text: String) throws {
    let folder = try Folder()
    try Data(text.utf8).write(to: URL(filePath: folder.path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path)
    #expect(throws: CredentialsError.self) { try CreditUsage(path: folder.path) }
  }

  /// SplitMix64.
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }
}
