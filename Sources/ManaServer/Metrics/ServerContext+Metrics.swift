import ManaProtocol

extension ServerContext {
  /// What `/metrics` answers, from what the shards have published. Linear in the number of shards.
  func metricsText(_ format: MetricsText.Format) -> String {
    var text = MetricsText(format)
    text.gauge(
      "mana_server_info", "Always 1; the label names the version.", [("version=\"\(serverVersion)\"", "1")])
    text.gauge(
      "mana_ready", "1 while the server takes requests; 0 while it recovers or drains.",
      [("", readiness.isReady ? "1" : "0")])
    addCalls(to: &text)
    addLedger(to: &text)
    addJournal(to: &text)
    addLoop(to: &text)
    text.finish()
    return text.text
  }

  private func addCalls(to text: inout MetricsText) {
    text.counter(
      "mana_requests", "Requests taken and not refused as a whole, by call.",
      Opcode.allCases.flatMap { opcode in
        guard opcode.rawValue < 64, opcode != .hello else { return [(labels: String, value: String)]() }
        return each { $0.requests[Int(opcode.rawValue)] }.map { ("call=\"\(opcode)\",\($0.labels)", $0.value) }
      })
    text.counter(
      "mana_requests_refused", "Requests refused as a whole, by status; those that never occurred are left out.",
      Status.allCases.flatMap { status in
        each { $0.refusals[Int(status.rawValue)] }.filter { $0.value != "0" }
          .map { ("status=\"\(status.name)\",\($0.labels)", $0.value) }
      })
    text.histogram(
      "mana_request_duration_seconds", "From a request's arrival to its reply's leaving.", first: 13, last: 33,
      divisor: 1e9, shards: shards.map(\.metrics)
    ) { metrics, bucket in bucket.map { metrics.requestNanoseconds[$0] } ?? metrics.requestNanoseconds.total }
    text.histogram(
      "mana_batch_items", "Items of a posting call, as they were executed on a shard.", first: 0, last: 14, divisor: 1,
      shards: shards.map(\.metrics)
    ) { metrics, bucket in bucket.map { metrics.batchItems[$0] } ?? metrics.batchItems.total }
  }

  private func addLedger(to text: inout MetricsText) {
    text.gauge("mana_accounts", "Accounts.", statuses { $0.accounts })
    text.gauge("mana_transactions", "Transactions in the ledger.", statuses { $0.transactions })
    text.counter(
      "mana_transactions_posted", "Transactions posted since the start, automatic refunds included.",
      statuses { $0.postedSinceStart })
    text.counter(
      "mana_items_replayed", "Items answered from an earlier posting of the same id.", each { $0.replayed.value })
    text.counter("mana_items_refused", "Items that the ledger refused.", each { $0.itemsRefused.value })
  }

  private func addJournal(to text: inout MetricsText) {
    text.counter("mana_journal_blocks", "Blocks written and synced.", statuses { $0.blocksSinceStart })
    text.counter("mana_journal_bytes", "Bytes written in blocks.", each { $0.flushedBytes.value })
    text.counter("mana_journal_records", "Records written in blocks.", each { $0.flushedRecords.value })
    text.gauge(
      "mana_journal_position_bytes", "End of what is durable, from the journal's beginning.",
      each { $0.journalPosition.value })
    text.gauge("mana_journal_segments_resident", "Journal segments in memory.", each { $0.segments.value })
    text.gauge("mana_resident_bytes", "Memory of journal segments and tables.", statuses { $0.residentBytes })
    addReads(to: &text)
    addCheckpoints(to: &text)
    text.histogram(
      "mana_flush_duration_seconds",
      "From the beginning of a block's write to the end of its sync; the latest of each turn.", first: 13, last: 33,
      divisor: 1e9, shards: shards.map(\.metrics)
    ) { metrics, bucket in bucket.map { metrics.flushNanoseconds[$0] } ?? metrics.flushNanoseconds.total }
    text.gauge(
      "mana_recovery_seconds", "How long the journal took to be read back at the start.",
      shards.indices.map { (shard($0), seconds(shards[$0].metrics.recoveryNanoseconds.value)) })
  }

  private func addCheckpoints(to text: inout MetricsText) {
    text.counter("mana_checkpoints", "Checkpoints made since the start.", each { $0.checkpoints.value })
    text.counter(
      "mana_checkpoint_failures", "Checkpoints that could not be made since the start.",
      each { $0.checkpointFailures.value })
    text.gauge(
      "mana_checkpoint_block", "Block whose state the newest checkpoint has; 0 without one.",
      each { $0.checkpointBlock.value })
    text.gauge("mana_checkpoint_bytes", "Bytes of the newest checkpoint's file.", each { $0.checkpointBytes.value })
    text.gauge(
      "mana_checkpoint_seconds", "What the newest checkpoint took, in the background or at the end.",
      shards.indices.map { (shard($0), seconds(shards[$0].metrics.checkpointNanoseconds.value)) })
  }

  /// Of segments that are not in memory.
  private func addReads(to text: inout MetricsText) {
    text.counter(
      "mana_journal_blocks_read", "Blocks read back of segments that are not in memory, at the start and since.",
      each { $0.blocksRead.value })
    text.counter(
      "mana_journal_record_starts_read",
      "Records of segments that are not in memory of which the ids were read, without their blocks.",
      each { $0.recordStartsRead.value })
    text.counter("mana_journal_read_bytes", "Bytes read back.", each { $0.bytesRead.value })
    text.counter(
      "mana_journal_read_failures", "What could not be read back, and blocks that were not what had been durable.",
      each { $0.readFailures.value })
    text.counter(
      "mana_journal_read_seconds", "Time that reading back took, on all readers.",
      shards.indices.map { (shard($0), seconds(shards[$0].metrics.readNanoseconds.value)) })
    text.gauge(
      "mana_parts_waiting_for_records", "Parts of requests that wait for a block to be read back.",
      each { $0.partsWaitingForRecords.value })
  }

  private func addLoop(to text: inout MetricsText) {
    text.gauge(
      "mana_connections", "Open connections.",
      shards.indices.map { (shard($0), String(shards[$0].gauges.connections)) })
    text.counter(
      "mana_connections_shed", "Connections turned away for want of descriptors or memory.",
      each { $0.connectionsShed.value })
    text.counter(
      "mana_connections_ended",
      "Connections ended with a goAway because of their callers, by status; those that never occurred are left out.",
      Status.allCases.flatMap { status in
        each { $0.connectionsEnded[Int(status.rawValue)] }.filter { $0.value != "0" }
          .map { ("status=\"\(status.name)\",\($0.labels)", $0.value) }
      })
    text.counter("mana_received_bytes", "Bytes received.", each { $0.bytesReceived.value })
    text.counter("mana_sent_bytes", "Bytes sent.", each { $0.bytesSent.value })
    text.counter("mana_turns", "Turns of the loop.", each { $0.turns.value })
    text.gauge(
      "mana_turn_seconds_max", "The longest turn since the start.",
      shards.indices.map { (shard($0), seconds(shards[$0].metrics.turnNanosecondsMax.value)) })
    text.gauge(
      "mana_connections_holding", "Connections whose replies wait for a block to be durable.",
      each { $0.sessionsHolding.value })
    text.gauge(
      "mana_parts_waiting", "Parts of requests that wait for room in the journal.", each { $0.partsWaiting.value })
    text.gauge(
      "mana_parts_held", "Executed parts of requests that wait for a block to be durable.", each { $0.partsHeld.value })
  }

  // MARK: One sample a shard

  private func shard(_ index: Int) -> String { "shard=\"\(index)\"" }

  private func each(_ value: (ShardMetrics) -> UInt64) -> [(labels: String, value: String)] {
    shards.indices.map { (shard($0), String(value(shards[$0].metrics))) }
  }

  private func statuses(_ value: (ServerStatus) -> UInt64) -> [(labels: String, value: String)] {
    shards.indices.map { index in
      var status = ServerStatus()
      shards[index].gauges.add(to: &status)
      return (shard(index), String(value(status)))
    }
  }
}
