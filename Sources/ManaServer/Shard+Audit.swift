import ManaAccess
import ManaAudit
import ManaEventLoop
import ManaJournal
import ManaProtocol
import ManaText

/// What a shard puts into the audit log: refusals, and what makes Mana. Spends, refunds, settlements and reads that are
/// let through leave nothing there; the journal has them.
extension Shard {
  // MARK: Refusals

  /// Records that a connection is ended because of its caller.
  func auditRefusal(of session: Session, _ outcome: String, reason: String) {
    guard let audit = context.audit else { return }
    audit.offer(
      AuditEntry(
        .connectionRefused, time: context.configuration.clock(), who: session.auditName, from: session.connection.peer,
        outcome: outcome, details: [("reason", .text(reason))]))
  }

  /// Records that a call was refused because of who the caller is; what is wrong with a call itself is not recorded.
  func auditRefusal(
    of header: FrameHeader, _ extensions: UnsafeRawBufferPointer, _ session: Session, _ error: ProtocolError
  ) {
    guard let audit = context.audit, error.status.concernsCaller else { return }
    audit.offer(
      AuditEntry(
        .callRefused, time: now, who: session.auditName, from: session.connection.peer, outcome: error.status.name,
        details: [
          ("call", .text(Opcode(rawValue: header.opcode).map { "\($0)" } ?? "opcode \(header.opcode)")),
          ("reason", .text(error.message)),
        ] + Self.details(ofTraceIn: extensions)))
  }

  /// By which an entry is found from the caller's trace, where it sent one.
  private static func details(
    ofTraceIn extensions: UnsafeRawBufferPointer
  ) -> [(key: String, value: AuditEntry.Value)] {
    guard let context = TraceContext(in: extensions) else { return [] }
    return [("trace", .text(context.traceText)), ("span", .text(context.spanText))]
  }

  // MARK: Credits

  /// Asks for all that has to be there before a batch makes Mana: what is left of the caller's day, and a place in the
  /// audit log. Nil for a batch that makes none, and where neither is kept.
  ///
  /// Throws `creditAboveLimit`; and `overloaded` where there is no place: the log cannot keep up, and no Mana is made
  /// unrecorded. The permit must be handed to `recordCredit`. Linear, and for batches with purchases and bonuses only.
  func permitCredit(
    _ batch: BatchView, _ request: Request, of session: Session
  ) throws(ProtocolError) -> CreditPermit? {
    let opcode = request.opcode
    guard context.audit != nil || session.limits?.creditPerDayMax != nil,
      opcode == .purchase || opcode == .bonus || opcode == .post
    else { return nil }
    var credits = Credits()
    for item in 0..<batch.count {
      let type = opcode.itemType ?? TransactionType(rawValue: batch[item].type)
      if type == .purchase || type == .bonus { credits.add(batch[item]) }
    }
    guard credits.count > 0 else { return nil }
    var permit = CreditPermit(claim: try claim(credits.amount, of: session))
    guard let audit = context.audit else { return permit }
    guard audit.reserve() else {
      if let claim = permit.claim { context.creditUsage.settle(claim, credited: 0) }
      throw ProtocolError(.overloaded, "the audit log cannot keep up; nothing was credited, send the request again")
    }
    permit.entry = AuditEntry(
      .credit, time: now, who: session.auditName, from: session.connection.peer,
      details: [("call", .text("\(opcode)"))] + credits.details + Self.details(ofTraceIn: request.extensions))
    return permit
  }

  /// Records a credit with what came of it: how many items of its batch were posted, or had been before, and how much
  /// Mana was made.
  func recordCredit(
    _ permit: CreditPermit, posted: Int, replayed: Int, credited: UInt64, error: ProtocolError? = nil
  ) {
    if let claim = permit.claim { context.creditUsage.settle(claim, credited: credited) }
    guard var entry = permit.entry else { return }
    entry.outcome = error?.status.name ?? (posted + replayed > 0 ? "ok" : "notPosted")
    entry.details += [("posted", .number(UInt64(posted))), ("replayed", .number(UInt64(replayed)))]
    context.audit?.fill(entry)
  }

  /// Records the credits whose parts had not come back when the shard ended: whether they were made, the journal says.
  func recordUnfinishedCredits() {
    for gather in gathers.values {
      guard var entry = gather.credit?.entry else { continue }
      entry.outcome = "unknown"
      context.audit?.fill(entry)
    }
  }

  /// The purchases and bonuses of a batch.
  private struct Credits {
    var count = 0
    private(set) var amount: UInt64 = 0
    private var account: UInt128 = 0
    private var isOfOneAccount = true
    private var first: UInt128 = 0

    mutating func add(_ item: ItemView) {
      if count == 0 {
        account = item.account
        first = item.id
      }
      if item.account != account { isOfOneAccount = false }
      let (sum, overflows) = amount.addingReportingOverflow(item.amount)
      // An amount that large is refused by the ledger.
      amount = overflows ? .max : sum
      count += 1
    }

    var details: [(key: String, value: AuditEntry.Value)] {
      [
        ("credits", .number(UInt64(count))), ("amount", .text(LedgerText.mana(amount))),
        ("account", .text(isOfOneAccount ? LedgerText.id(account) : "several")),
        ("firstTransaction", .text(LedgerText.id(first))),
      ]
    }
  }

  // MARK: The server

  /// Records that the server serves, and whom it lets in.
  func auditStart(on address: ListenAddress) {
    guard let audit = context.audit else { return }
    let credentials = context.access.current
    audit.put(
      AuditEntry(
        .start, time: now,
        details: [
          ("address", .text("\(address)")), ("version", .text(serverVersion)),
          ("ledger", .text(LedgerText.id(context.identity.ledgerID))),
          ("letsIn", .text(credentials == nil ? "everybody" : "credentials")),
        ]))
    for credential in credentials?.entries ?? [] { audit.put(credential.entry(.credentialInForce, time: now)) }
  }

  /// Records what the server as a whole did.
  func audit(
    _ event: AuditEntry.Event, who: String = "", from: String = "", outcome: String = "ok", reason: String? = nil
  ) {
    context.audit?.put(
      AuditEntry(
        event, time: now, who: who, from: from, outcome: outcome,
        details: reason.map { [("reason", .text($0))] } ?? []))
  }

  /// Records who is let in since the credentials were read anew, and who is not any more.
  func auditChanges(from before: Credentials?, to after: Credentials?) {
    guard let audit = context.audit else { return }
    for old in before?.entries ?? [] where after?.current(old) == nil {
      audit.put(old.entry(.credentialRevoked, time: now))
    }
    for new in after?.entries ?? [] {
      if let old = before?.current(new), old.permissions == new.permissions { continue }
      audit.put(new.entry(.credentialInForce, time: now))
    }
  }
}

extension Session {
  /// Who the caller is, as the audit log names it.
  var auditName: String { credential?.label ?? "" }
}

extension Credential {
  fileprivate func entry(_ event: AuditEntry.Event, time: UInt64) -> AuditEntry {
    AuditEntry(event, time: time, who: label, details: [("permissions", .text(permissions))])
  }
}

extension Status {
  /// Whether it says something about who called, rather than about the call.
  fileprivate var concernsCaller: Bool {
    switch self {
    case .roleMissing, .amountAboveLimit, .creditAboveLimit, .accountNotAllowed: true
    default: false
    }
  }
}
