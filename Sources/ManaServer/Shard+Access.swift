import Logging
import ManaAccess
import ManaEventLoop
import ManaProtocol

/// Who a caller is, and what it may do.
extension Shard {
  /// Finds out who the caller of a hello is, and gives the session its roles.
  ///
  /// A token is taken only where it crossed no network in the clear, whatever this server lets in: a client that sends
  /// one so has given it away, and is told.
  func authenticate(_ session: Session, _ hello: Hello) throws(ProtocolError) {
    let connection = session.connection
    if hello.token != nil, !session.isPrivate {
      throw ProtocolError(
        .credentialExposed,
        "this token crossed a network without TLS and was not looked at; revoke it, and connect with TLS")
    }
    guard let credentials = context.access.current else { return try join(session, nil) }
    if let token = hello.token {
      guard let credential = credentials.credential(ofToken: token) else { throw unknownCredential() }
      try join(session, credential)
    } else if let credential = credentials.credential(of: connection) {
      try join(session, credential)
    } else {
      throw missingCredential()
    }
  }

  /// Goes by the credentials that were read anew: a caller whose credential was revoked is sent away, the others have
  /// the roles that theirs has now.
  func applyCredentials() {
    guard let credentials = context.access.current else { return }
    for session in sessions.values where session.stage == .established {
      do throws(ProtocolError) {
        if let credential = session.credential {
          guard let now = credentials.current(credential) else { throw unknownCredential() }
          try join(session, now)
        } else if let credential = credentials.credential(of: session.connection) {
          try join(session, credential)
        } else {
          throw missingCredential()
        }
      } catch {
        refuseConnection(session, error)
      }
    }
  }

  private func unknownCredential() -> ProtocolError {
    ProtocolError(.credentialUnknown, "the token is none that this server knows, or it was revoked")
  }

  private func missingCredential() -> ProtocolError {
    ProtocolError(.credentialMissing, "this server lets in only callers that it knows; connect with a token")
  }

  /// Refuses a request for which the caller has no role, whatever is in its body.
  func checkRole(_ opcode: Opcode, of session: Session) throws(ProtocolError) {
    let needed = opcode.sufficientRoles
    guard needed.isEmpty || !session.roles.isDisjoint(with: needed) else {
      throw missingRole(needed, to: "call \(opcode)")
    }
  }

  /// Refuses a mixed batch with an item for which the caller has no role. Linear, and for such callers only.
  func checkRoles(_ batch: BatchView, _ opcode: Opcode, of session: Session) throws(ProtocolError) {
    guard opcode == .post, !session.roles.isSuperset(of: [.spend, .credit]) else { return }
    for item in 0..<batch.count {
      // The ledger refuses an item whose type it does not know.
      guard let type = TransactionType(rawValue: batch[item].type) else { continue }
      guard session.roles.isSuperset(of: type.neededRole) else {
        throw missingRole(type.neededRole, to: "post a \(type.name)", detail: item)
      }
    }
  }

  private func missingRole(_ roles: Roles, to act: String, detail: Int = 0) -> ProtocolError {
    ProtocolError(
      .roleMissing, "the caller's credential has not the role to \(act): \(roles.names.joined(separator: " or "))",
      detail: detail)
  }
}

extension Credentials {
  /// The credential of a caller without a token: that of the first name in its certificate that has one, else that of the
  /// user behind its Unix socket.
  fileprivate func credential(of connection: Connection) -> Credential? {
    for name in connection.tlsIdentities {
      if let credential = credential(ofCertificate: name) { return credential }
    }
    return connection.peerUser.flatMap { credential(ofUser: $0) }
  }
}

extension Session {
  /// Whether nobody on the way can read what the caller sends.
  var isPrivate: Bool { connection.isOnThisMachine || connection.isEncrypted }
}

extension Opcode {
  /// Any one of these lets a caller make the call; empty when none is needed.
  fileprivate var sufficientRoles: Roles {
    switch self {
    case .spend, .refund, .settle: .spend
    case .purchase, .bonus: .credit
    case .post: [.spend, .credit]
    case .listTransactions, .getAccount, .lookupTransaction, .balanceAt, .listUnsettled: .read
    case .serverStatus, .shardStatus: [.read, .operate]
    case .drain: .operate
    case .ping, .hello, .welcome, .goAway: []
    }
  }
}

extension TransactionType {
  fileprivate var neededRole: Roles {
    switch self {
    case .spend, .refund, .settlement: .spend
    case .purchase, .bonus: .credit
    }
  }
}
