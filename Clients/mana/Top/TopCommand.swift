import ArgumentParser
import ManaClient
import ManaProtocol

struct TopCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Watch the server: rates, latencies, flushes and queues, shard by shard.",
    discussion: """
      The first figures are those since the server's start, the later ones those of
      the interval. Percentiles are of requests (arrival to reply) and of flushes
      (write and sync), exact to a factor of two. "hold" counts what waits for a block
      to be durable, "wait" what waits for room in the journal. q quits.

      Without a terminal the view is printed again and again; --json prints a line an
      interval.

      EXAMPLES
        mana top
        mana top --interval 5s
        mana top --json --count 3
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions

  @Option(
    help: ArgumentHelp("Time between two figures: 500ms, 10s, 1m. Default: 1s.", valueName: "duration"),
    transform: parseTimeout)
  var interval: Duration = .seconds(1)

  @Option(help: ArgumentHelp("End after so many figures. Default: never.", valueName: "number"))
  var count: Int?

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count: 1 or more, not \(count)") }
    if interval < .milliseconds(100) { throw ValidationError("--interval: 100ms or longer") }
  }

  func run(_ client: ManaClient, _ console: Console) async throws {
    guard !console.isJSON, let terminal = LiveTerminal() else { return try await stream(client, console) }
    do {
      defer { terminal.leave() }
      await show(client, console, on: terminal)
    }
  }

  /// Prints one figure after the other. An error ends it.
  private func stream(_ client: ManaClient, _ console: Console) async throws {
    var previous: ShardStatusReply?
    var number = 0
    while true {
      let now = try await client.shardStatus()
      let view = view(client, console, TopSample(previous: previous, now: now))
      console.result(view.json, view.lines(height: .max).joined(separator: "\n") + "\n")
      previous = now
      number += 1
      if number == count { return }
      try await Task.sleep(for: interval)
    }
  }

  /// Shows the figures until q is pressed. A server that does not answer is said to, and asked again.
  private func show(_ client: ManaClient, _ console: Console, on terminal: borrowing LiveTerminal) async {
    var previous: ShardStatusReply?
    var shown: TopView?
    var number = 0
    while true {
      var notice: String?
      do throws(ManaError) {
        // Keys are looked at when the answer is there: a server that hangs must not hold the view up for long.
        let now = try await client.shardStatus(deadline: .seconds(1))
        shown = view(client, console, TopSample(previous: previous, now: now))
        previous = now
      } catch {
        notice = "no answer: \(error.message)"
      }
      number += 1
      let next = ContinuousClock.now + interval
      repeat {
        draw(shown, notice, console, on: terminal)
        if number == count { return }
        switch await terminal.wait(milliseconds: Int((next - .now).milliseconds)) {
        case .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")), .endOfInput: return
        case .key, .redraw, .timeout: break
        }
      } while ContinuousClock.now < next
    }
  }

  private func draw(_ view: TopView?, _ notice: String?, _ console: Console, on terminal: borrowing LiveTerminal) {
    let (width, height) = terminal.size
    let lines = view?.lines(height: height, notice: notice) ?? [notice ?? ""]
    console.write(LiveTerminal.frame(lines, width: width, height: height))
  }

  private func view(_ client: ManaClient, _ console: Console, _ sample: TopSample) -> TopView {
    TopView(
      address: client.address.description, server: escapingControls(client.serverInformation?.name ?? ""),
      sample: sample, hasColour: console.hasColour)
  }
}
