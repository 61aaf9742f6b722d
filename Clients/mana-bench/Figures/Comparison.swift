import ManaText

/// The ledger and its peers, measured one after the other.
struct Comparison: Codable, Equatable {
  /// What the ledger's own rates are that peers are compared with.
  enum Way: String, Codable {
    case batches, singleCalls, client
  }

  struct Row: Codable, Equatable {
    var system: String
    var work: String
    /// Nil when it could not be measured; the remark says why.
    var figures: PeerFigures?
    var remark = ""
    /// Of the ledger, when others are compared with this row.
    var way: Way?
    /// How many times as much the ledger does a second, in batches, in single calls, and with many tasks that call through
    /// its client; nil for the ledger itself.
    var batchesAgainst: Double?
    var singleCallsAgainst: Double?
    var clientAgainst: Double?
  }

  var date: String
  var machine: String
  var plan: String
  var rows: [Row]

  init(date: String, machine: String, plan: String, ours: [Row], peers: [Row]) {
    (self.date, self.machine, self.plan) = (date, machine, plan)
    func times(_ way: Way, _ rate: Double) -> Double? {
      ours.first { $0.way == way }?.figures.map { $0.perSecond / rate }
    }
    rows =
      ours
      + peers.map { row in
        var row = row
        if let rate = row.figures?.perSecond, rate > 0 {
          row.batchesAgainst = times(.batches, rate)
          row.singleCallsAgainst = times(.singleCalls, rate)
          row.clientAgainst = times(.client, rate)
        }
        return row
      }
  }

  /// Measures the peers first, then the ledger; each alone.
  init(_ session: Session, grpc: String?) throws(BenchError) {
    let peers = try session.redisRows() + session.postgresRows() + session.grpcRows(program: grpc)
    let ours = try session.ownRows()
    self.init(
      date: System.today(), machine: session.machine.map(MachineText.text) ?? MachineText.unknown,
      plan: session.plan.text, ours: ours, peers: peers)
  }

  func text(json: Bool, markdown: Bool) throws(BenchError) -> String {
    if json { return try JSONOutput.text(self) }
    let heading = "Measured on \(date): \(machine); \(plan)."
    return heading + "\n\n" + (markdown ? table.markdown : table.plain)
  }

  private var table: Table {
    func times(_ value: Double?) -> String { value.map { Quantity.digits($0) + " ×" } ?? "" }
    return Table(
      columns: [
        ("system", .left), ("work", .left), ("charges a second", .right), ("p50", .right), ("p99", .right),
        ("Mana in batches", .right), ("Mana in single calls", .right), ("256 tasks", .right),
      ],
      rows: rows.map { row in
        guard let figures = row.figures else { return [row.system, row.work, row.remark, "", "", "", "", ""] }
        return [
          row.system, row.work, Quantity.rate(figures.perSecond), Quantity.time(microseconds: figures.p50),
          Quantity.time(microseconds: figures.p99), times(row.batchesAgainst), times(row.singleCallsAgainst),
          times(row.clientAgainst),
        ]
      })
  }
}

extension Session {
  fileprivate func ownRows() throws(BenchError) -> [Comparison.Row] {
    func row(_ work: String, as way: Comparison.Way? = nil, _ rate: Rate) -> Comparison.Row {
      let figures = PeerFigures(perSecond: rate.median, p50: rate.p50, p99: rate.p99)
      return Comparison.Row(system: "Mana", work: work, figures: figures, way: way)
    }
    func row(_ work: String, as way: Comparison.Way? = nil, _ load: [String]) throws(BenchError) -> Comparison.Row {
      row(work, as: way, try measure(work, load))
    }
    return [
      row("batches of 8190, 4 in flight", as: .batches, try largeBatches()),
      try row("the same through its client", Loads.batchesThroughClient),
      try row("single calls, 512 in flight", as: .singleCalls, Loads.singleCalls),
      try row("256 tasks on its client's executor", as: .client, Loads.tasks(through: "executor")),
      try row("256 tasks anywhere, through its client", Loads.tasks(through: "client")),
      try row("single calls, one at a time", Loads.oneAtATime),
      try row("one task on its client's executor", Loads.oneAtATime + ["--through", "executor"]),
      try row("one task anywhere, through its client", Loads.oneAtATime + ["--through", "client"]),
    ]
  }

  /// The median round of a peer, by its rate.
  private func median(
    _ what: String, _ round: () throws(BenchError) -> PeerFigures
  ) throws(BenchError) -> PeerFigures {
    var rounds: [PeerFigures] = []
    for number in 1...plan.rounds {
      progress.begin(plan.rounds == 1 ? what : "\(what), \(number) of \(plan.rounds)")
      rounds.append(try round())
    }
    return rounds.sorted { $0.perSecond < $1.perSecond }[(rounds.count - 1) / 2]
  }

  fileprivate func redisRows() throws(BenchError) -> [Comparison.Row] {
    let work = "Lua script, \(Redis.connections) connections \(Redis.depth) deep"
    guard let redis = try Redis.start(workbench) else {
      return [Comparison.Row(system: "Redis", work: work, remark: "not installed")]
    }
    defer { redis.stop() }
    let figures = try median("Redis") { () throws(BenchError) in
      try redis.charge(seconds: plan.seconds) { progress.show() }
    }
    return [Comparison.Row(system: redis.version, work: work, figures: figures)]
  }

  fileprivate func postgresRows() throws(BenchError) -> [Comparison.Row] {
    let single = "stored function, single calls, \(Postgres.singleConnections) connections"
    let size = "\(NumberText.grouped(Postgres.batch)), \(Postgres.batchConnections) connections"
    let batched = "stored function, batches of " + size
    guard let postgres = try Postgres.start(workbench) else {
      return [single, batched].map { Comparison.Row(system: "PostgreSQL", work: $0, remark: "not installed") }
    }
    defer { postgres.stop() }
    let singly = try median("PostgreSQL, single calls") { () throws(BenchError) in
      try postgres.chargeSingly(seconds: plan.seconds) { progress.show() }
    }
    let inBatches = try median("PostgreSQL, batches") { () throws(BenchError) in
      try postgres.chargeInBatches(seconds: plan.seconds) { progress.show() }
    }
    return [
      Comparison.Row(system: postgres.version, work: single, figures: singly),
      Comparison.Row(system: postgres.version, work: batched, figures: inBatches),
    ]
  }

  fileprivate func grpcRows(program: String?) throws(BenchError) -> [Comparison.Row] {
    let work = "unary calls, nothing behind them, \(GRPC.concurrent) at a time"
    guard let grpc = try GRPC.start(workbench, program: program) else {
      return [Comparison.Row(system: "grpc-swift-2", work: work, remark: "not built")]
    }
    defer { grpc.stop() }
    let figures = try median("grpc-swift-2") { () throws(BenchError) in
      try grpc.call(seconds: plan.seconds) { progress.show() }
    }
    return [Comparison.Row(system: "grpc-swift-2", work: work, figures: figures)]
  }
}
