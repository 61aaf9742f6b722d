import ArgumentParser
import Logging
import ManaServer

/// What the server says on standard error.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "trace, debug, info, notice, warning, error or critical; on standard error. (default: info)", valueName: "level"))
  var logLevel: String?

  @Option(
    help: ArgumentHelp(
      "text, a line an event for people; or json, an object a line with time, level, event and the event's own fields. "
        + "(default: text)", valueName: "format"))
  var logFormat: String?

  @Option(
    help: ArgumentHelp(
      "Most lines of one kind of event in a minute; a line after it says how many were left out. 0 writes all. "
        + "(default: 60)", valueName: "count"))
  var logLinesPerMinute: String?

  /// Where the logger that is put into `configuration` writes.
  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws -> LogSink {
    let level = try settings.value(
      "log-level", flag: logLevel, range: "trace, debug, info, notice, warning, error or critical",
      default: (Logger.Level.info, shown: "info")
    ) { Logger.Level(rawValue: $0) }
    let format = try settings.value(
      "log-format", flag: logFormat, range: "text or json", default: (LogFormat.text, shown: "text")
    ) { LogFormat(rawValue: $0) }
    let lines = try settings.value(
      "log-lines-per-minute", flag: logLinesPerMinute, kind: .number, range: "0 to 1000000", default: (60, shown: "60")
    ) { text in Int(text).flatMap { (0...1_000_000).contains($0) ? $0 : nil } }
    let sink = LogSink(format: format, linesPerMinute: lines) { StandardError.tell($0 + "\n") }
    configuration.logger = Logger(label: "mana-server") { _ in SinkLogHandler(sink: sink) }
    configuration.logger.logLevel = level
    return sink
  }
}
