import ArgumentParser
import ManaAudit
import ManaServer

/// Where is recorded who was refused, and who made Mana.
struct AuditOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Record refusals, purchases, bonuses, changes of credentials, start and stop as lines of JSON, each with the hash \
      of the one before; 'mana-server audit verify' checks them. While the file cannot be written, what makes Mana is \
      refused once 8192 entries wait. (default: nowhere)
      """, valueName: "file"))
  var auditLog: String?

  @Option(
    help: ArgumentHelp(
      "Size at which the audit log becomes FILE.1, FILE.1 becomes FILE.2, and so on. (default: 67108864)",
      valueName: "bytes"))
  var auditLogBytes: String?

  @Option(
    help: ArgumentHelp("How many of those files are kept; the oldest go. (default: 10)", valueName: "count"))
  var auditLogFiles: String?

  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws {
    let path = try settings.text("audit-log", flag: auditLog)
    let bytesMax = try settings.number("audit-log-bytes", flag: auditLogBytes, in: 65_536...1 << 40)
    let filesKept = try settings.number("audit-log-files", flag: auditLogFiles, in: 1...100_000)
    guard let path else { return }
    var options = AuditLog.Options(path: path)
    options.bytesMax = bytesMax ?? options.bytesMax
    options.filesKept = filesKept ?? options.filesKept
    configuration.audit = options
  }
}
