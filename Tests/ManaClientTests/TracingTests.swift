import InMemoryTracing
import ManaClient
import ManaProtocol
import Synchronization
import Tracing
import Testing

/// Keeps spans in memory, gives them identifiers of W3C Trace Context, and propagates them as `traceparent`.
struct RecordingTracer: Tracer {
  private let spans: InMemoryTracer

  init() {
    let (traces, spans) = (Counter(), Counter())
    @Sendable func text(_ number: Int, digits: Int) -> String {
      let text = String(number + 0xA0, radix: 16)
      return String(repeating: "0", count: digits - text.count) + text
    }
    self.spans = InMemoryTracer(
      idGenerator: .init(
        nextTraceID: { text(traces.next(), digits: 32) }, nextSpanID: { text(spans.next(), digits: 16) }))
  }

  var finished: [FinishedInMemorySpan] { spans.finishedSpans }
  var activeCount: Int { spans.activeSpans.count }

  func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
    at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
  ) -> InMemorySpan {
    spans.startSpan(
      operationName, context: context(), ofKind: kind, at: instant(), function: function, file: fileID, line: line)
  }

  func inject<Carrier, Inject: Injector>(
    _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
  ) where Carrier == Inject.Carrier {
    guard let span = context.inMemorySpanContext else { return }
    injector.inject("00-\(span.traceID)-\(span.spanID)-01", forKey: "traceparent", into: &carrier)
    injector.inject("vendor=1", forKey: "tracestate", into: &carrier)
  }

  func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
  ) where Carrier == Extract.Carrier {}

  func forceFlush() {}
}

/// The requests that a scripted ledger has been sent.
private final class Journal: Sendable {
  private let stored = Mutex<[Request]>([])
  var requests: [Request] { stored.withLock { $0 } }
  func note(_ request: Request) { stored.withLock { $0.append(request) } }
}

@Suite("The spans of calls, and what the server is told of them") struct TracingTests {
  /// Runs `body` with a traced client of a ledger that answers as `answer` says.
  private func traced(
    answer: @escaping Ledger.Answer = Ledger.obliging, isTraced: Bool = true,
    change: (inout ManaClient.Configuration) -> Void = { _ in },
    _ body: (ManaClient) async throws -> Void
  ) async throws -> (spans: [FinishedInMemorySpan], requests: [Request]) {
    let (tracer, journal) = (RecordingTracer(), Journal())
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.backoff = .init(initial: .milliseconds(1), max: .milliseconds(10))
    configuration.retry.backoff = configuration.backoff
    if isTraced { configuration.tracer = tracer }
    change(&configuration)
    try await ScriptedServer.with { _ in
      Ledger { request in
        journal.note(request)
        return try answer(request)
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: configuration) { client in
        try await body(client)
        #expect(client.address == server.address)
      }
    }
    #expect(tracer.activeCount == 0, "a span was not ended")
    return (tracer.finished, journal.requests)
  }

  private func text(_ span: FinishedInMemorySpan, _ key: String) -> String? {
    guard case .string(let text)? = span.attributes.get(key) else { return nil }
    return text
  }

  @Test("A call is a client span with RPC's attributes, and its request carries the trace", arguments: [true, false])
  func call(coalescing: Bool) async throws {
    let (spans, requests) = try await traced { client in
      try await client.spend(42, 1, for: .export, coalescing: coalescing)
      _ = try await client.ping()
    }
    #expect(spans.map(\.operationName) == ["mana.Ledger/spend", "mana.Ledger/ping"])
    #expect(requests.map(\.opcode) == [.spend, .ping])
    for (span, request) in zip(spans, requests) {
      #expect(span.kind == .client && span.status == nil && span.events.isEmpty)
      #expect(text(span, "rpc.system") == "mana" && text(span, "rpc.service") == "mana.Ledger")
      #expect(text(span, "rpc.method") == "\(request.opcode)")
      #expect(text(span, "server.address") == "127.0.0.1" && text(span, "rpc.response.status_code") == "ok")
      guard case .int64? = span.attributes.get("server.port") else {
        Issue.record("no server.port")
        continue
      }
      #expect(span.attributes.get("error.type") == nil)
      #expect(request.trace?.traceText == span.traceID && request.trace?.spanText == span.spanID)
      #expect(request.trace?.flags == 1)
    }
  }

  @Test("A call continues the trace of the task that makes it")
  func parent() async throws {
    var context = ServiceContext.topLevel
    context.inMemorySpanContext = InMemorySpanContext(
      traceID: "0af7651916cd43dd8448eb211c80319c", spanID: "b7ad6b7169203331", parentSpanID: nil)
    let (spans, requests) = try await traced { client in
      try await ServiceContext.withValue(context) { _ = try await client.ping() }
    }
    #expect(spans.map(\.parentSpanID) == ["b7ad6b7169203331"])
    #expect(requests.map { $0.trace?.traceText } == ["0af7651916cd43dd8448eb211c80319c"])
  }

  @Test("Refusals and failures are errors of the span, by their names")
  func errors() async throws {
    let answer: Ledger.Answer = { request in
      switch request.opcode {
      case .spend:
        let refused = ItemResult(
          status: .insufficientBalance, sequence: 0, amount: 0, balance: 3, timestamp: 0, refundable: 0)
        return [.send(Frames.reply(to: .spend, request.correlation, body: Frames.results([refused])))]
      case .ping: return []
      default:
        return [.send(Frames.refusal(of: request.opcode, request.correlation, .roleMissing, flags: .notExecuted))]
      }
    }
    let (spans, _) = try await traced(answer: answer) { client in
      _ = await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export) }
      _ = await failure { () throws(ManaError) in try await client.account(42) }
      _ = await failure { () throws(ManaError) in try await client.ping(deadline: .milliseconds(20)) }
    }
    let expected: [(String, String, String?)] = [
      ("mana.Ledger/spend", "insufficientBalance", "insufficientBalance"),
      ("mana.Ledger/getAccount", "roleMissing", "roleMissing"), ("mana.Ledger/ping", "deadlineExceeded", nil),
    ]
    try #require(spans.count == expected.count)
    for (span, (name, type, status)) in zip(spans, expected) {
      #expect(span.operationName == name && span.status?.code == .error)
      #expect(text(span, "error.type") == type && text(span, "rpc.response.status_code") == status)
      #expect(span.status?.message?.isEmpty == false)
    }
  }

  @Test("Attempts of a call are events of its one span, and carry the same trace")
  func retries() async throws {
    let attempts = Counter()
    let answer: Ledger.Answer = { request in attempts.next() < 2 ? [.close] : try Ledger.obliging(request) }
    let (spans, requests) = try await traced(answer: answer) { client in
      try await client.spend(42, 1, for: .export)
    }
    #expect(spans.count == 1 && requests.count == 3 && Set(requests.map(\.trace)).count == 1)
    #expect(requests.first?.trace != nil)
    let events = spans.flatMap(\.events)
    #expect(events.map(\.name) == ["retry", "retry"])
    let numbers = events.map { event -> Int64? in
      if case .int64(let number)? = event.attributes.get("mana.attempt") { number } else { nil }
    }
    #expect(numbers == [2, 3])
  }

  @Test("A request that calls share carries the trace of the first of them, and each call has its span")
  func shared() async throws {
    let (spans, requests) = try await traced(
      change: { $0.batching = .init(pipelineDepth: 1, linger: .seconds(60)) }
    ) { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<64 { group.addTask { try await client.spend(42, 1, for: .export) } }
        try await group.waitForAll()
      }
    }
    #expect(spans.count == 64 && Set(spans.map(\.spanID)).count == 64)
    let sent = try requests.map { try $0.items.count }
    #expect(sent.reduce(0, +) == 64)
    let known = Set(spans.map(\.spanID))
    #expect(requests.allSatisfy { known.contains($0.trace?.spanText ?? "") })
  }

  @Test("A batch has a span for each request, none of which is larger than the server takes")
  func batch() async throws {
    let (spans, requests) = try await traced { client in
      var batch = Batch()
      let note = String(repeating: "n", count: 255)
      for _ in 0..<8_190 { try batch.spend(42, 1, for: .export, reference: note, note: note) }
      let results = try await client.post(batch)
      #expect(results.postedCount == 8_190)
    }
    let posts = requests.filter { $0.opcode == .post }
    #expect(posts.count > 4 && spans.count { $0.operationName == "mana.Ledger/post" } == posts.count)
    #expect(try posts.map { try $0.items.count }.reduce(0, +) == 8_190)
    // What a frame could hold one more transaction of would not be as full as it may be.
    let largest = posts.map { FrameHeader.bytes + TraceContext.bytes + $0.body.count }.max() ?? 0
    #expect(largest <= Limits.frameBytesMax && largest > Limits.frameBytesMax - Item.bytes - 2 * 255 - 8)
  }

  @Test("Without a tracer a request's header is as short as can be")
  func untraced() async throws {
    let (spans, requests) = try await traced(isTraced: false) { client in
      try await client.spend(42, 1, for: .export)
    }
    #expect(spans.isEmpty && requests.map(\.trace) == [nil])
  }
}

@Suite("W3C's traceparent") struct TraceparentTests {
  static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test("What it says", arguments: [TraceparentTests.example, "01\(TraceparentTests.example.dropFirst(2))-more"])
  func read(text: String) throws {
    let context = try #require(TraceContext(traceparent: text))
    #expect(context.trace == 0x0AF7_6519_16CD_43DD_8448_EB21_1C80_319C && context.span == 0xB7AD_6B71_6920_3331)
    #expect(context.flags == 1 && context.traceText == Self.example.dropFirst(3).prefix(32))
    #expect(context.spanText == "b7ad6b7169203331")
  }

  @Test(
    "What is none",
    arguments: [
      "", "00", "\(TraceparentTests.example)-more", "ff\(TraceparentTests.example.dropFirst(2))",
      TraceparentTests.example.uppercased(), "0\(TraceparentTests.example)",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
      "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
      "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 01",
    ])
  func refuse(text: String) { #expect(TraceContext(traceparent: text) == nil) }
}
