import Foundation
import Testing

/// `mana top` on a real terminal, against a real server.
@Suite struct TopTests {
  static let enter = "\u{1B}[?1049h"
  static let leave = "\u{1B}[?25h\u{1B}[?1049l"

  static func top(_ server: ServerProcess, _ arguments: [String] = []) throws -> PseudoTerminal {
    try PseudoTerminal(
      Programs.folder.appending(path: "mana"), ["top", "--interval", "200ms"] + arguments,
      environment: ["MANA_SERVER": server.address, "NO_COLOR": "1", "TERM": "xterm"], width: 100, height: 20)
  }

  /// A whole frame has been drawn with these words in it.
  static func frame(with words: [String]) -> (String) -> Bool {
    { text in words.allSatisfy(text.contains) && text.hasSuffix("\u{1B}[J") }
  }

  @Test func theViewIsDrawnAgainInPlaceUntilQIsPressed() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let terminal = try Self.top(server)
    let first = terminal.drawn(until: Self.frame(with: ["mana top", server.address, "posted/s"]))
    #expect(first.hasPrefix(Self.enter))
    #expect(!terminal.isOrdinary)
    let second = terminal.drawn(until: Self.frame(with: ["mana top", "all", "\r\n0 ", "\r\n1 "]))
    #expect(second.hasPrefix("\u{1B}[H"))
    try terminal.type("x")
    try terminal.type("q")
    let end = terminal.end()
    #expect(end.status == 0 && !end.bySignal)
    #expect(end.text.hasSuffix(Self.leave))
    #expect(terminal.isOrdinary)
    #expect(server.terminate() == 0)
  }

  @Test func aNewSizeIsDrawnForAtOnce() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 4)
    // It would not draw again by itself before the test has given up.
    let terminal = try Self.top(server, ["--interval", "10m"])
    #expect(terminal.drawn(until: Self.frame(with: ["\r\n3 "])).isEmpty == false)
    terminal.resize(width: 30, height: 7)
    let narrow = terminal.drawn(until: Self.frame(with: ["and 3 more shards"]))
    let lines = narrow.split(separator: "\r\n").map { $0.replacing(/\u{1B}\[[?0-9;]*[A-Za-z]/, with: "") }
    #expect(lines.count == 7 && lines.allSatisfy { $0.count <= 30 }, "\(lines)")
    try terminal.type("q")
    #expect(terminal.end().status == 0)
    #expect(server.terminate() == 0)
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV])
  func theTerminalIsGivenBackWhenASignalEndsIt(number: Int32) throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let terminal = try Self.top(server)
    #expect(terminal.drawn(until: Self.frame(with: ["all"])).isEmpty == false)
    terminal.signal(number)
    let end = terminal.end()
    #expect(end.status == number && end.bySignal)
    #expect(end.text.contains(Self.leave))
    #expect(terminal.isOrdinary)
    #expect(server.terminate() == 0)
  }

  @Test func itIsGivenBackWhileStoppedAndTakenAgain() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let terminal = try Self.top(server)
    #expect(terminal.drawn(until: Self.frame(with: ["all"])).isEmpty == false)
    terminal.signal(SIGTSTP)
    #expect(try terminal.isStopped())
    #expect(terminal.isOrdinary)
    terminal.signal(SIGCONT)
    #expect(terminal.drawn(until: { $0.contains(Self.enter) && $0.hasSuffix("\u{1B}[J") }).isEmpty == false)
    try terminal.type("q")
    #expect(terminal.end().status == 0)
    #expect(terminal.isOrdinary)
    #expect(server.terminate() == 0)
  }

  @Test func aServerThatGoesAwayIsSaidToNotAnswer() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let terminal = try Self.top(server)
    #expect(terminal.drawn(until: Self.frame(with: ["all"])).isEmpty == false)
    #expect(server.terminate() == 0)
    #expect(terminal.drawn(until: Self.frame(with: ["no answer: "])).isEmpty == false)
    try terminal.type("q")
    #expect(terminal.end().status == 0)
    #expect(terminal.isOrdinary)
  }

  @Test func figuresStreamAsLinesOfJSON() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let purchase = try await Programs.mana(["purchase", "1", "100"], server: server)
    #expect(purchase.status == 0, "\(purchase.errors)")
    let outcome = try await Programs.mana(["top", "--json", "--count", "3", "--interval", "100ms"], server: server)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3)
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let all = try #require(object["all"] as? [String: Any])
      let now = try #require(all["now"] as? [String: Any])
      #expect(now["posted"] as? Int == 1)
      #expect((object["shards"] as? [Any])?.count == 2)
    }
    #expect(server.terminate() == 0)
  }
}
