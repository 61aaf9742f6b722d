import Foundation
import Testing

/// The simulation itself, as a program of its own: it brings its own libuv, which must not meet the other tests'.
@Suite(.serialized) struct ProgramTests {
  private static let program: URL = {
    #if os(macOS)
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }!.bundleURL.deletingLastPathComponent()
        .appending(path: "mana-simulate")
    #else
      Bundle.main.bundleURL.appending(path: "mana-simulate")
    #endif
  }()

  private struct Outcome {
    let status: Int32
    let output: String
  }

  /// Runs the program to its end. Through a file and a callback: nothing here blocks a thread that tests share.
  private func simulate(_ arguments: String...) async throws -> Outcome {
    let file = FileManager.default.temporaryDirectory.appending(path: "mana-simulate-\(UUID().uuidString)")
    try Data().write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = Self.program
    process.arguments = arguments
    process.standardOutput = try FileHandle(forWritingTo: file)
    let status = try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Int32, any Error>) in
      process.terminationHandler = { ended.resume(returning: $0.terminationStatus) }
      do {
        try process.run()
      } catch {
        ended.resume(throwing: error)
      }
    }
    return Outcome(status: status, output: try String(contentsOf: file, encoding: .utf8))
  }

  private static let first = ProcessInfo.processInfo.environment["MANA_SEED"] ?? "1"

  @Test func theSameSeedGoesTheSameWay() async throws {
    let first = try await simulate("--seeds", "4", "--first", Self.first, "--digests", "--jobs", "1")
    let second = try await simulate("--seeds", "4", "--first", Self.first, "--digests", "--jobs", "2")
    #expect(first.status == 0, "\(first.output)")
    let digests = first.output.split(separator: "\n").filter { $0.contains("digest") }
    #expect(digests.count == 4)
    #expect(Set(digests) == Set(second.output.split(separator: "\n").filter { $0.contains("digest") }))
  }

  @Test func eachSeedHasTenCrashesOrMore() async throws {
    let outcome = try await simulate("--seeds", "12", "--first", Self.first, "--json")
    #expect(outcome.status == 0, "\(outcome.output)")
    let result = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(try #require(result["crashes"] as? Int) >= 120)
    let faults = try #require(result["faults"] as? [String: Int])
    #expect(faults.count >= 12)
    // Twelve worlds do not see everything; of what happens in every one of them, nothing may be missing.
    for kind in ["processKill", "powerCut", "connectionCut", "clockBack", "clockForward", "retryAfterCut"] {
      #expect(faults[kind, default: 0] > 0, "\(kind) never happened")
    }
  }

  @Test func aServerThatAnswersTooEarlyIsFound() async throws {
    let outcome = try await simulate("--seeds", "8", "--first", Self.first, "--plant", "early-reply")
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.output.contains("the planted error was found"))
  }

  @Test func oneSeedIsTracedStepByStep() async throws {
    let outcome = try await simulate("--seed", Self.first)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("the power fails") || outcome.output.contains("the process is killed"))
    #expect(outcome.output.contains("answered: ok"))
  }
}
