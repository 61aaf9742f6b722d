import ManaText

extension LoadResult {
  /// The result for programs: one object on one line. Latencies in microseconds, rates a second.
  var json: String {
    var object = JSONObject()
    object.add("scenario", settings.scenario.rawValue)
    object.add("transactionsPerSecond", transactionsPerSecond, places: 1)
    object.add("requestsPerSecond", requestsPerSecond, places: 1)
    object.add("accepted", tally.accepted)
    object.add("refused", tally.refused)
    object.add("errors", tally.errorCount)
    object.add("latencyMicroseconds", latencies.json)
    object.add("durationSeconds", durationSeconds, places: 3)
    object.add("requests", tally.requests)
    object.add("replayed", tally.replayed)
    object.add("transactionsRead", tally.read)
    object.add("unknownRequests", tally.unknown)
    object.add("reconnections", reconnections)
    object.add("notSent", notSent)
    var failures = JSONObject()
    for failure in tally.failures { failures.add(failure.name, failure.count) }
    object.add("failures", failures)
    if let verification { object.add("verification", verification.json) }
    object.add("settings", settings.json)
    object.add("seed", settings.seed)
    object.add("server", server.json(address: settings.server))
    object.add("machine", machine.json)
    object.add("startedAt", System.utcText(startedAt))
    object.add("command", settings.command)
    object.add("seconds", samples.map(\.json))
    return object.description
  }
}

extension LatencySummary {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    for (name, value) in [("p50", p50), ("p90", p90), ("p99", p99), ("p999", p999), ("max", max)] {
      object.add(name, Double(value) / 1e3, places: 1)
    }
    return object
  }
}

extension Sample {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    object.add("end", seconds, places: 2)
    object.add("transactionsPerSecond", transactionsPerSecond, places: 0)
    object.add("p50Microseconds", Double(p50) / 1e3, places: 1)
    object.add("p99Microseconds", Double(p99) / 1e3, places: 1)
    return object
  }
}

extension VerificationResult {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    object.add("passed", passed)
    object.add("accounts", accounts)
    object.add("mismatches", mismatchCount)
    object.add("unknownApplied", unknownApplied)
    object.add("unknownNotApplied", unknownNotApplied)
    object.add(
      "mismatchedAccounts",
      mismatches.map {
        var mismatch = JSONObject()
        mismatch.add("account", $0.account.identifierText)
        mismatch.add("message", $0.description)
        return mismatch
      })
    return object
  }
}

extension LoadSettings {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    if scenario.posts { object.add("batch", batch) }
    object.add("connections", connections)
    object.add("inFlight", inFlight)
    object.add("accounts", accounts)
    object.add("distribution", distribution.rawValue)
    switch length {
    case .seconds(let seconds): object.add("duration", seconds, places: 3)
    case .transactions(let count): object.add("transactions", count)
    }
    if let rate { object.add("rate", rate, places: 3) }
    object.add("warmup", warmupSeconds, places: 3)
    if scenario.lists { object.add("page", page) }
    object.add("through", carrier.rawValue)
    object.add("verify", verifies)
    return object
  }
}

extension ServerFacts {
  fileprivate func json(address: ServerAddress) -> JSONObject {
    var object = JSONObject()
    object.add("address", address.description)
    object.add("version", name)
    object.add("ledger", ledger.identifierText)
    object.add("shards", shards)
    return object
  }
}

extension Machine {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    object.add("system", system)
    object.add("processor", processor)
    object.add("processors", processors)
    object.add("memoryBytes", memoryBytes)
    return object
  }
}

extension GeneratorRun.Outcome {
  var json: String {
    var object = JSONObject()
    object.add("discarded", true)
    object.add("transactionsPerSecond", transactionsPerSecond, places: 1)
    object.add("transactions", transactions)
    object.add("frames", frames)
    object.add("bytes", bytes)
    object.add("durationSeconds", seconds, places: 3)
    return object.description
  }
}
