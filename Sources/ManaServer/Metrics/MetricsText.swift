/// Figures as text, for Prometheus and what understands it.
///
/// A family is `# HELP name …`, `# TYPE name kind`, then a line a sample: `name{label="value"} number`. The two formats
/// differ in a counter's family, which OpenMetrics 1.0 names without the `_total` of its samples and the older text
/// format 0.0.4 with it, and in the `# EOF` at OpenMetrics' end.
struct MetricsText {
  enum Format {
    case openMetrics
    case prometheus

    var contentType: String {
      switch self {
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
      }
    }
  }

  let format: Format
  private(set) var text = ""

  init(_ format: Format) { self.format = format }

  mutating func counter(_ name: String, _ help: String, _ samples: [(labels: String, value: String)]) {
    begin(format == .openMetrics ? name : name + "_total", "counter", help)
    for sample in samples { add(name + "_total", sample.labels, sample.value) }
  }

  mutating func gauge(_ name: String, _ help: String, _ samples: [(labels: String, value: String)]) {
    begin(name, "gauge", help)
    for sample in samples { add(name, sample.labels, sample.value) }
  }

  /// Buckets of powers of two from `first` to `last`, divided by `divisor`; those below `first` are in its bucket, and
  /// those above `last` in `+Inf`.
  mutating func histogram(
    _ name: String, _ help: String, first: Int, last: Int, divisor: Double, shards: [ShardMetrics],
    _ histogram: (ShardMetrics, Int?) -> UInt64
  ) {
    begin(name, "histogram", help)
    for (shard, metrics) in shards.enumerated() {
      var count: UInt64 = 0
      for bucket in 0..<Histogram.bucketCount {
        count += histogram(metrics, bucket)
        guard bucket >= first, bucket <= last else { continue }
        add(name + "_bucket", "shard=\"\(shard)\",le=\"\(Double(UInt64(1) << bucket) / divisor)\"", String(count))
      }
      add(name + "_bucket", "shard=\"\(shard)\",le=\"+Inf\"", String(count))
      add(name + "_sum", "shard=\"\(shard)\"", "\(Double(histogram(metrics, nil)) / divisor)")
      add(name + "_count", "shard=\"\(shard)\"", String(count))
    }
  }

  mutating func finish() {
    if format == .openMetrics { text += "# EOF\n" }
  }

  private mutating func begin(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  private mutating func add(_ name: String, _ labels: String, _ value: String) {
    text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
  }
}

/// Nanoseconds as seconds.
func seconds(_ nanoseconds: UInt64) -> String { "\(Double(nanoseconds) / 1e9)" }
