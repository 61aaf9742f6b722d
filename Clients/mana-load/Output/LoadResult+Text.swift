import ManaText

extension LoadResult {
  /// The result for people, with everything that is needed to repeat it.
  var text: String {
    var lines = [
      "\(settings.scenario.rawValue): \(NumberText.grouped(transactionsPerSecond)) transactions/s, "
        + "\(NumberText.grouped(requestsPerSecond)) requests/s",
      "",
      "  latency      " + latencies.parts.map { "\($0.name) \(Text.latency($0.nanoseconds))" }.joined(separator: "   "),
      "  outcome      " + outcome,
    ]
    if !tally.failures.isEmpty {
      lines.append(
        "  failures     " + tally.failures.map { "\($0.name) \(NumberText.grouped($0.count))" }.joined(separator: ", "))
    }
    if tally.unknown > 0 || reconnections > 0 {
      lines.append(
        "  connections  cut with \(NumberText.grouped(tally.unknown)) requests unanswered, made again "
          + "\(NumberText.grouped(reconnections)) times" + (tally.lastCut.map { "; last reason: \($0)" } ?? ""))
    }
    if notSent > 0 {
      lines.append(
        "  not sent     \(NumberText.grouped(notSent)) requests were due before the end: the server is slower than --rate"
      )
    }
    if let verification { lines.append("  verified     " + verification.text) }
    lines += facts.map { "  " + $0.name + String(repeating: " ", count: max(1, 13 - $0.name.count)) + $0.text }
    return lines.joined(separator: "\n")
  }

  /// How the transactions ended, in one line.
  var outcome: String {
    var parts: [String] = []
    if settings.scenario.posts { parts.append("\(NumberText.grouped(tally.accepted)) accepted") }
    if settings.scenario.lists { parts.append("\(NumberText.grouped(tally.read)) read") }
    parts += ["\(NumberText.grouped(tally.refused)) refused", "\(NumberText.grouped(tally.errorCount)) errors"]
    if tally.replayed > 0 { parts.append("\(NumberText.grouped(tally.replayed)) replayed") }
    return parts.joined(separator: ", ") + " in \(NumberText.fixed(durationSeconds, places: 2)) s"
  }

  /// Settings, server and machine, by name.
  var facts: [(name: String, text: String)] {
    let memory = NumberText.fixed(Double(machine.memoryBytes) / 1_073_741_824, places: 1)
    return [
      ("settings", settings.text),
      (
        "server",
        "\(settings.server), \(server.name), \(Text.count(server.shards, "shard")), ledger \(server.ledger.identifierText)"
      ),
      (
        "machine",
        "\(machine.processor), \(Text.count(machine.processors, "processor")), \(memory) GiB, \(machine.system)"
      ),
      ("began", System.utcText(startedAt)),
      (Self.commandName, settings.command),
    ]
  }

  /// What the command that does it again is called among the facts.
  static let commandName = "again"
}

extension LatencySummary {
  /// The percentiles with the names that people give them.
  var parts: [(name: String, nanoseconds: UInt64)] {
    [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("max", max)]
  }
}

extension LoadSettings {
  /// The settings in words.
  var text: String {
    var parts: [String] = []
    if scenario.posts { parts.append("\(Text.count(batch, "transaction")) a request") }
    if scenario.lists { parts.append("pages of \(NumberText.grouped(page))") }
    parts.append("\(Text.count(connections, "connection")) with \(Text.count(inFlight, "request")) in flight")
    parts.append("\(NumberText.grouped(accounts)) accounts, \(distribution.rawValue)")
    let unit = scenario == .reads ? "pages" : "transactions"
    parts.append(rate.map { "open loop of \(Text.plain($0)) \(unit)/s" } ?? "closed loop")
    parts.append("\(Text.plain(warmupSeconds)) s of warm-up")
    parts.append("through \(carrier.rawValue)")
    parts.append("seed \(seed)")
    return parts.joined(separator: ", ")
  }
}

extension VerificationResult {
  fileprivate var text: String {
    var text = "\(NumberText.grouped(accounts)) accounts: "
    text +=
      passed
      ? "each holds what was acknowledged" : "\(NumberText.grouped(mismatchCount)) DO NOT hold what was acknowledged"
    if unknownApplied + unknownNotApplied > 0 {
      text += "; of the unanswered transactions \(NumberText.grouped(unknownApplied)) were posted and "
      text += "\(NumberText.grouped(unknownNotApplied)) were not"
    }
    return text
  }

  /// The accounts that failed, for standard error.
  var complaint: String {
    var lines = ["verification failed: \(mismatchCount) accounts do not hold what was acknowledged"]
    lines += mismatches.map { "  \($0)" }
    if mismatchCount > mismatches.count { lines.append("  and \(mismatchCount - mismatches.count) more") }
    return lines.joined(separator: "\n")
  }
}

extension GeneratorRun.Outcome {
  var text: String {
    "generator alone: \(NumberText.grouped(transactionsPerSecond)) transactions/s\n\n"
      + "  \(NumberText.grouped(transactions)) transactions in \(NumberText.grouped(frames)) frames, "
      + "\(NumberText.fixed(Double(bytes) / 1e9, places: 2)) GB in \(NumberText.fixed(seconds, places: 2)) s"
  }
}
