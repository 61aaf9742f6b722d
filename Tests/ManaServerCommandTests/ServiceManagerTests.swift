import Foundation
import ManaServer
import Synchronization
import Testing

@testable import mana_server

/// What a service manager is told, message by message.
@Suite struct ServiceManagerTests {
  /// What was sent.
  final class Messages: Sendable {
    private let sent = Mutex<[[String]]>([])
    var all: [[String]] { sent.withLock { $0 } }
    func add(_ lines: [String]) { sent.withLock { $0.append(lines) } }
  }

  static func manager(_ messages: Messages, watchdog: String? = nil, process: String? = nil) throws -> ServiceManager {
    try ServiceManager(watchdog: watchdog, watchdogProcess: process) { lines, _ in messages.add(lines) }
  }

  static let events: [(event: ServerEvent, lines: [String])] = [
    (.recovering(records: 1_234_567), ["STATUS=Recovering: 1,234,567 records so far", "EXTEND_TIMEOUT_USEC="]),
    (.reloading, ["RELOADING=1", "MONOTONIC_USEC="]),
    (.reloaded, ["READY=1"]),
    (.draining, ["STOPPING=1"]),
  ]

  @Test(arguments: events) func anEventIsAMessage(event: ServerEvent, lines: [String]) throws {
    let messages = Messages()
    try Self.manager(messages).tell(event)
    let message = try #require(messages.all.first)
    for line in lines { #expect(message.contains { $0.hasPrefix(line) }, "\(message)") }
    #expect(messages.all.count == 1)
  }

  @Test func aFailureIsOneLine() throws {
    let messages = Messages()
    try Self.manager(messages).tellFailure("one\ntwo\r\nREADY=1")
    #expect(messages.all == [["STATUS=Cannot serve: one two READY=1"]])
  }

  /// The silence of the worst shard in microseconds, and the moment in seconds.
  typealias Sign = (silent: UInt64, at: UInt64)

  /// With a watchdog's time of 8 seconds.
  static let signs: [(signs: [Sign], count: Int)] = [
    ([(0, 100)], 1), ([(0, 100), (0, 101), (0, 101)], 1), ([(0, 100), (0, 102)], 2),
    ([(3_999_999, 100)], 1), ([(4_000_000, 100)], 0), ([(0, 100), (9_000_000, 110), (0, 111)], 2),
  ]

  @Test(arguments: signs.indices) func theWatchdogHearsOfAServerWhoseShardsTurn(index: Int) throws {
    let (signs, count) = Self.signs[index]
    let messages = Messages()
    let manager = try Self.manager(messages, watchdog: "8000000")
    for sign in signs { manager.signOfLife(silentMicroseconds: sign.silent, at: sign.at * 1_000_000) }
    #expect(messages.all == Array(repeating: ["WATCHDOG=1"], count: count))
  }

  @Test(arguments: [(String?.none, String?.none), ("8000000", "1")])
  func aWatchdogForNobodyOrForAnotherProcessHearsNothing(watchdog: String?, process: String?) throws {
    let messages = Messages()
    try Self.manager(messages, watchdog: watchdog, process: process).tell(.turning(silentNanoseconds: 0))
    #expect(messages.all.isEmpty)
  }

  @Test(arguments: ["", "0", "-1", "soon"]) func aWatchdogTimeThatIsNoneIsRefused(time: String) {
    #expect(throws: (any Error).self) { try Self.manager(Messages(), watchdog: time) }
  }
}
