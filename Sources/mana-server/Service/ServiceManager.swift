import ArgumentParser
import Configuration
import Logging
import ManaEventLoop
import ManaServer
import ManaText
import Synchronization

/// Tells systemd, or who else speaks its protocol, how the server is: sd_notify(3).
///
/// `READY=1` comes when callers can connect. A start may take as long as it makes progress; a shard that no longer turns
/// keeps back `WATCHDOG=1`, so that the manager starts the server anew.
final class ServiceManager: Sendable {
  private let send: @Sendable (_ lines: [String], _ mayWait: Bool) -> Void
  /// Within which time the manager wants to hear from the server, in microseconds; nil where it does not care.
  private let watchdogMicroseconds: UInt64?
  /// When it last did, on the monotonic clock in microseconds.
  private let lastSign = Mutex<UInt64>(0)

  /// How far a start that makes progress puts off the manager's time limit, in microseconds.
  static let startExtensionMicroseconds = 60_000_000

  /// Nil where nobody wants to know, which the variable `NOTIFY_SOCKET` says.
  ///
  /// - Throws: When that variable or `WATCHDOG_USEC` is no sensible one.
  convenience init?(_ environment: EnvironmentVariablesProvider, logger: Logger) throws {
    guard let path = try environment.environmentValue(forName: "NOTIFY_SOCKET") else { return nil }
    let socket = try NotifySocket(path: path)
    let hasFailed = Mutex(false)
    try self.init(
      watchdog: try environment.environmentValue(forName: "WATCHDOG_USEC"),
      watchdogProcess: try environment.environmentValue(forName: "WATCHDOG_PID")
    ) { lines, mayWait in
      do throws(EventLoopError) {
        try socket.send(lines, mayWait: mayWait)
      } catch {
        // The first is enough: a manager that has gone does not come back.
        let isFirst = hasFailed.withLock { failed in
          defer { failed = true }
          return !failed
        }
        if isFirst { logger.warning("the service manager was not notified", metadata: ["error": "\(error)"]) }
      }
    }
  }

  /// - Parameters:
  ///   - watchdog: The variable `WATCHDOG_USEC`, and `WATCHDOG_PID` for whom it is meant; that it is there at all.
  ///   - send: Takes a message, and whether it is worth waiting for.
  /// - Throws: `ValidationError` when the watchdog's time is no number.
  init(
    watchdog: String?, watchdogProcess: String?,
    send: @escaping @Sendable (_ lines: [String], _ mayWait: Bool) -> Void
  ) throws {
    self.send = send
    guard let watchdog, watchdogProcess == nil || watchdogProcess == "\(InheritedSocket.thisProcess)" else {
      watchdogMicroseconds = nil
      return
    }
    guard let microseconds = UInt64(watchdog), microseconds > 0 else {
      throw ValidationError("WATCHDOG_USEC takes a number of microseconds, not '\(watchdog)'")
    }
    watchdogMicroseconds = microseconds
  }

  func tell(_ event: ServerEvent) {
    switch event {
    case .recovering(let records):
      send(
        [
          "STATUS=Recovering: \(NumberText.grouped(records)) records so far",
          "EXTEND_TIMEOUT_USEC=\(Self.startExtensionMicroseconds)",
        ], false)
    case .reloading:
      send(
        [
          "RELOADING=1", "MONOTONIC_USEC=\(monotonicMicroseconds())", "STATUS=Reading certificate and credentials anew",
        ],
        true)
    case .reloaded:
      send(["READY=1", "STATUS=Serving"], true)
    case .draining:
      send(["STOPPING=1", "STATUS=Draining: taking no further requests"], true)
    case .turning(let silentNanoseconds):
      signOfLife(silentMicroseconds: silentNanoseconds / 1_000, at: monotonicMicroseconds())
    }
  }

  func tellReady(on address: ListenAddress, _ report: RecoveryReport) {
    send(
      [
        "READY=1",
        "STATUS=Serving on \(address); recovered \(NumberText.grouped(report.transactions)) transactions of "
          + "\(NumberText.grouped(report.accounts)) accounts",
      ], true)
  }

  func tellFailure(_ reason: String) {
    // A message has one line for each variable.
    let line = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    send(["STATUS=Cannot serve: \(line)"], true)
  }

  /// Resets the watchdog, four times within its time, unless a shard has been silent for half of it.
  func signOfLife(silentMicroseconds: UInt64, at now: UInt64) {
    guard let limit = watchdogMicroseconds, silentMicroseconds < limit / 2 else { return }
    let isDue = lastSign.withLock { last in
      guard last == 0 || now - last >= limit / 4 else { return false }
      last = now
      return true
    }
    if isDue { send(["WATCHDOG=1"], false) }
  }
}

extension ServerConfiguration {
  /// What a socket for `/metrics` is called; all others are for callers.
  static let metricsSocketName = "metrics"

  /// Takes the sockets that a service manager has opened for this process, which then serves on them instead of the
  /// addresses of its settings.
  ///
  /// - Throws: When one of them cannot be listened on.
  mutating func takeInheritedSockets(_ environment: EnvironmentVariablesProvider) throws(EventLoopError) {
    func variable(_ name: String) -> String? {
      // Any text of the environment is a text.
      try? environment.environmentValue(forName: name)
    }
    let sockets = try InheritedSocket.all(
      count: variable("LISTEN_FDS"), process: variable("LISTEN_PID"), names: variable("LISTEN_FDNAMES"))
    inheritedMetricsSocket = sockets.first { $0.name == Self.metricsSocketName }
    inheritedSockets = sockets.filter { $0.name != Self.metricsSocketName }
  }
}
