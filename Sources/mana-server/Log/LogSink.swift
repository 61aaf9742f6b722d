import Logging
import ManaEventLoop
import Synchronization

/// Where all loggers of the process write: it knows the format, bounds the lines of each kind of event, and keeps lines
/// of several threads apart.
final class LogSink: Sendable {
  let format: LogFormat
  private let limiter: Mutex<LogLimiter>
  private let write: @Sendable (String) -> Void

  /// - Parameters:
  ///   - linesPerMinute: Most lines of one kind of event in a minute; 0 for all.
  ///   - write: Takes a line without its end; never on two threads at once.
  init(format: LogFormat, linesPerMinute: Int, write: @escaping @Sendable (String) -> Void) {
    self.format = format
    limiter = Mutex(LogLimiter(linesMax: linesPerMinute))
    self.write = write
  }

  /// Writes an event, or counts it.
  func log(_ line: LogLine) {
    limiter.withLock { limiter in
      if limiter.admits(line.event, level: line.level, at: .now) { write(line.formatted(format)) }
    }
  }

  /// Says how many events were left out of the minutes that are over; with `all`, of those under way, too.
  func reportOmissions(all: Bool = false) {
    limiter.withLock { limiter in
      for omission in limiter.endWindows(at: .now, all: all) {
        let line = LogLine(
          time: wallClockNanoseconds(), level: omission.level, event: "lines left out",
          fields: ["of": .string(omission.kind), "count": .stringConvertible(omission.count)])
        write(line.formatted(format))
      }
    }
  }
}

/// Hands what is logged to a sink.
struct SinkLogHandler: LogHandler {
  let sink: LogSink
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  init(sink: LogSink) { self.sink = sink }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    sink.log(
      LogLine(
        time: wallClockNanoseconds(), level: event.level.rawValue, event: event.message.description, fields: fields))
  }
}
