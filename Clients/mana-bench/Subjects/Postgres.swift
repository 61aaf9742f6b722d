/// PostgreSQL with a stored function that does the work of a charge, durable before each answer.
final class Postgres {
  static let accounts = 10_000
  static let singleConnections = 32
  static let batch = 1_000
  /// More wait for each other's rows: a batch touches every tenth account.
  static let batchConnections = 2

  let version: String
  private let workbench: Workbench
  private let folder: String
  private let server: ChildProcess
  private let port: Int

  /// The history is read by account and number, ids are looked up by account and id: an index each.
  private static let schema = """
    CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL, sequence bigint NOT NULL)
      WITH (fillfactor = 50);
    CREATE TABLE transaction (
      account bigint NOT NULL, id uuid NOT NULL, sequence bigint NOT NULL, amount bigint NOT NULL,
      balance_after bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (account, id), UNIQUE (account, sequence));
    INSERT INTO account SELECT i, 1000000000000000, 0 FROM generate_series(1, \(accounts)) AS i;
    CREATE FUNCTION charge(of_account bigint, of_id uuid, of_amount bigint) RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE
        after bigint;
        number bigint;
      BEGIN
        SELECT balance_after INTO after FROM transaction WHERE account = of_account AND id = of_id;
        IF FOUND THEN RETURN after; END IF;
        UPDATE account SET balance = balance - of_amount, sequence = sequence + 1
          WHERE id = of_account AND balance >= of_amount RETURNING balance, sequence INTO after, number;
        IF NOT FOUND THEN RAISE EXCEPTION 'insufficient balance'; END IF;
        INSERT INTO transaction (account, id, sequence, amount, balance_after)
          VALUES (of_account, of_id, number, of_amount, after);
        RETURN after;
      END $$;
    VACUUM ANALYZE account;
    """

  private static let single = """
    \\set account random(1, \(accounts))
    SELECT charge(:account, gen_random_uuid(), 10000);
    """

  /// In the order of the accounts, so that two batches never wait for each other in a circle.
  private static let batched = """
    SELECT count(charge(account, gen_random_uuid(), 10000))
      FROM (SELECT 1 + (random() * \(accounts - 1))::bigint AS account FROM generate_series(1, \(batch)) ORDER BY 1)
      AS items;
    """

  /// Where Debian puts the server's programs, the newest version first.
  private static var folders: [String] {
    let root = "/usr/lib/postgresql"
    return System.names(in: root).compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
  }

  /// Nil when PostgreSQL is not installed.
  static func start(_ workbench: Workbench) throws(BenchError) -> Postgres? {
    guard let path = Program.find("postgres", folders: folders) else { return nil }
    let folder = String(path.dropLast("/postgres".count))
    guard ["initdb", "pgbench", "psql"].allSatisfy({ Program.find($0, folders: [folder]) != nil }) else { return nil }
    return try Postgres(workbench, folder: folder)
  }

  private init(_ workbench: Workbench, folder: String) throws(BenchError) {
    self.workbench = workbench
    self.folder = folder
    let port = try System.freePort()
    self.port = port
    let directory = workbench.path("postgres")
    try System.makeDirectory(directory)
    // The server refuses to run as root.
    if System.isRoot, !System.give(directory, to: "postgres") {
      throw .missing(program: "the user postgres", advice: "Debian's package postgresql makes it.")
    }
    let data = directory + "/data"
    let make = try Self.unprivileged(folder + "/initdb", ["--pgdata", data, "--auth", "trust", "--username", "mana"])
    try workbench.run(make.name, at: make.program, make.arguments, atMostSeconds: BenchLimits.readySeconds)
    let serve = try Self.unprivileged(
      folder + "/postgres",
      [
        "-D", data, "-p", "\(port)", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=\(directory)",
        "-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=1GB", "-c", "wal_level=minimal",
        "-c", "max_wal_senders=0", "-c", "max_wal_size=8GB", "-c", "checkpoint_timeout=1h", "-c", "jit=off",
      ])
    let server = try workbench.start(serve.name, at: serve.program, serve.arguments)
    try server.wait(for: "it was ready", atMostSeconds: BenchLimits.readySeconds) {
      server.errors.contains("database system is ready to accept connections")
    }
    self.server = server
    let words = try workbench.run("postgres", at: folder + "/postgres", ["--version"]).split(separator: " ")
    version = words.count > 2 ? "PostgreSQL \(words[2].filter { !$0.isNewline })" : "PostgreSQL"
    let schema = workbench.path("schema.sql")
    try System.writeFile(schema, Self.schema)
    try workbench.run(
      "psql", at: Program.find("psql", folders: [folder])!,
      ["-h", "127.0.0.1", "-p", "\(port)", "-U", "mana", "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1", "-f", schema])
  }

  func stop() { server.end(with: System.interruptSignal) }

  /// Charges one at a time over each of 32 connections.
  func chargeSingly(seconds: Double, whileWaiting: () -> Void) throws(BenchError) -> PeerFigures {
    try drive(Self.single, connections: Self.singleConnections, charges: 1, seconds, whileWaiting)
  }

  /// Charges a thousand in a transaction.
  func chargeInBatches(seconds: Double, whileWaiting: () -> Void) throws(BenchError) -> PeerFigures {
    try drive(Self.batched, connections: Self.batchConnections, charges: Self.batch, seconds, whileWaiting)
  }

  private func drive(
    _ script: String, connections: Int, charges: Int, _ seconds: Double, _ whileWaiting: () -> Void
  ) throws(BenchError) -> PeerFigures {
    let file = workbench.path("charge.sql")
    try System.writeFile(file, script)
    let log = workbench.path("latencies")
    let text = try workbench.run(
      "pgbench", at: Program.find("pgbench", folders: [folder])!,
      [
        "-h", "127.0.0.1", "-p", "\(port)", "-U", "mana", "-n", "-c", "\(connections)", "-j", "1", "-M", "prepared",
        "-T", "\(max(1, Int(seconds.rounded())))", "-f", file, "-l", "--log-prefix", log, "postgres",
      ], atMostSeconds: seconds + BenchLimits.runSlackSeconds, whileWaiting: whileWaiting)
    let folder = workbench.directory
    let prefix = log.dropFirst(folder.count + 1)
    let latencies = System.names(in: folder).filter { $0.hasPrefix(prefix) }
      .flatMap { Self.latencies(log: System.text(of: folder + "/" + $0) ?? "") }
    guard let rate = Self.rate(text), !latencies.isEmpty else {
      throw .failed(what: "pgbench printed no figures", output: String(text.prefix(600)))
    }
    return PeerFigures(
      perSecond: rate * Double(charges), p50: Quantity.percentile(50, of: latencies),
      p99: Quantity.percentile(99, of: latencies))
  }

  /// Transactions a second, of what `pgbench` prints; nil when some of them failed.
  static func rate(_ text: String) -> Double? {
    let failed = text.split(separator: "\n").first { $0.hasPrefix("number of failed transactions:") }
    if let failed, !failed.contains(": 0 ") { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("tps = ") }
    return line.flatMap { Double($0.split(separator: " ")[2]) }
  }

  /// Latencies of a log of `pgbench`, in microseconds: the third word of each line.
  static func latencies(log: String) -> [Double] {
    log.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      return words.count > 2 ? Double(words[2]) : nil
    }
  }

  /// A program as the user `postgres` when we are root.
  private static func unprivileged(
    _ program: String, _ arguments: [String]
  ) throws(BenchError) -> (name: String, program: String, arguments: [String]) {
    guard System.isRoot else { return (program, program, arguments) }
    guard let setpriv = Program.find("setpriv") else {
      throw .missing(program: "setpriv", advice: "Debian's package util-linux has it.")
    }
    return (
      "setpriv", setpriv, ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program] + arguments
    )
  }
}
