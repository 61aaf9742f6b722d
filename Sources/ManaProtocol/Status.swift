/// The outcome of an item, a request or a connection. Codes and precedence are those of `Protocol/PROTOCOL.md`
/// section 9: below 256 for items, from 256 for requests, from 512 for connections.
public enum Status: UInt16, CaseIterable, Sendable {
  /// What was asked for was done.
  case ok = 0

  // Items, in the order in which they are checked.
  /// A reserved type.
  case unknownType = 1
  /// An item whose type is not that of the call.
  case typeMismatch = 2
  /// A reserved operation; 0 on anything but a settlement.
  case unknownOperation = 3
  /// The operation does not belong to the type.
  case operationMismatch = 4
  /// The transaction has a flag that is reserved or does not belong to its type.
  case reservedFlag = 5
  /// The id is zero.
  case idMissing = 6
  /// The account is zero.
  case accountMissing = 7
  /// A refund or settlement without its spend.
  case relatedMissing = 8
  /// A related id on another type.
  case relatedNotAllowed = 9
  /// The settlement timeout is not from one second to 30 days.
  case settlementTimeoutOutOfRange = 10
  /// The amount is zero.
  case amountZero = 11
  /// An amount together with `remaining`.
  case amountNotAllowed = 12
  /// Above 2^63 − 1.
  case amountTooLarge = 13
  /// Reference or note is not UTF-8.
  case textInvalid = 14
  /// The account has this id with other content.
  case idConflict = 15
  /// A refund with `voidIfUnknown` came before this spend.
  case voided = 16
  /// No purchase or bonus has created this account.
  case accountUnknown = 17
  /// The account has no transaction with the related id.
  case originalUnknown = 18
  /// The related transaction is not a spend.
  case originalNotSpend = 19
  /// The spend had no settlement timeout.
  case settlementNotExpected = 20
  /// Settled before, in another way.
  case alreadySettled = 21
  /// A refund ended the settlement.
  case alreadyRefunded = 22
  /// The server refunded the spend when its timeout passed.
  case settlementTimedOut = 23
  /// A settlement uses more than was charged.
  case usedExceedsAmount = 24
  /// Everything of the spend is refunded already.
  case nothingToRefund = 25
  /// More than what is left of the spend.
  case refundExceedsOriginal = 26
  /// The balance is lower than the amount.
  case insufficientBalance = 27
  /// The balance or a lifetime total would not fit.
  case balanceOverflow = 28
  /// 2^32 − 1 transactions.
  case accountFull = 29
  /// Another item of the atomic batch was refused.
  case notApplied = 30
  /// The account has no transaction with this id.
  case transactionUnknown = 31

  // Requests.
  /// The checksum of the body does not match.
  case bodyChecksumMismatch = 257
  /// A reserved bit or byte is set.
  case reservedBits = 258
  /// The server does not know this kind of request.
  case unknownOpcode = 259
  /// Lengths in the body do not fit.
  case malformedBody = 260
  /// A batch without transactions.
  case emptyBatch = 261
  /// More transactions than a batch may have, or an atomic batch that does not fit a block of the journal.
  case batchTooLarge = 262
  /// An atomic batch over several accounts.
  case atomicAccountsDiffer = 263
  /// A filter that cannot be meant; the message names the field.
  case invalidFilter = 264
  /// The deadline passed before the request was executed.
  case deadlineExceeded = 265
  /// The server has too much to do, or no room to record it. The same may succeed later.
  case overloaded = 266
  /// The disk has no room for more transactions; reads go on. The same may succeed later.
  case diskFull = 267
  /// The server is ending. The same may succeed on the next one.
  case shuttingDown = 268
  /// The caller's credential does not allow this; the message names the role.
  case roleMissing = 269
  /// The amount is above the one that the caller's credential allows.
  case amountAboveLimit = 270
  /// More than what is left of the credits that the caller's credential allows a day.
  case creditAboveLimit = 271
  /// The caller's credential does not allow this account.
  case accountNotAllowed = 272
  /// The caller's transactions and reads are more a second than it may make; the reply says how long to wait.
  case rateExceeded = 273
  /// A part of the history that the request needs cannot be read from the disk. The same may succeed later.
  case diskUnreadable = 274

  // Connections.
  /// The other end speaks another protocol.
  case prefaceMismatch = 513
  /// The checksum of a frame's header does not match.
  case headerChecksumMismatch = 514
  /// The two ends have no version of the protocol in common.
  case unsupportedVersion = 515
  /// A frame's header is not what the protocol allows.
  case malformedHeader = 516
  /// A frame is larger than the receiver takes.
  case frameTooLarge = 517
  /// The first frame is not a hello.
  case helloExpected = 518
  /// The hello is not what the protocol allows.
  case malformedHello = 519
  /// The server has another ledger than the one that is expected.
  case wrongLedger = 520
  /// The hello has an extension that must be known and is not.
  case criticalExtensionUnknown = 521
  /// The server has as many connections as it takes. The same may succeed later.
  case tooManyConnections = 522
  /// The hello did not come in time.
  case handshakeTimeout = 523
  /// A second hello.
  case unexpectedHello = 524
  /// This server lets in only callers that it knows.
  case credentialMissing = 525
  /// The token is none that the server knows, or it was revoked.
  case credentialUnknown = 526
  /// The token came over a network in the clear; revoke it.
  case credentialExposed = 527
  /// The caller has as many connections as it may have. The same may succeed later.
  case tooManyConnectionsOfCaller = 528
  /// The connection was without a request for longer than the server allows.
  case idleTimeout = 529

  /// The status's name as the specification, JSON and messages spell it.
  public var name: String { String(describing: self) }

  /// Whether the same request may succeed later without anything being changed in it.
  public var isRetryable: Bool {
    switch self {
    case .overloaded, .diskFull, .diskUnreadable, .shuttingDown, .rateExceeded: true
    case .tooManyConnections, .tooManyConnectionsOfCaller, .idleTimeout: true
    default: false
    }
  }
}

/// Names the first field in which a transaction differs from the one that has its id. The raw value is its code in a
/// result.
public enum ConflictField: UInt8, CaseIterable, Sendable {
  /// Its type.
  case type = 1
  /// Its operation.
  case operation = 2
  /// Its amount.
  case amount = 3
  /// Its quantity.
  case quantity = 4
  /// The spend that it is about, or its settlement timeout.
  case related = 5
  /// What was asked for along with it, such as a refund of everything that is left.
  case flags = 6
  /// Its reference.
  case reference = 7
  /// Its note.
  case note = 8
}

/// A frame, or something in it, that the specification does not allow. Thrown by decoders; nothing was changed.
public struct ProtocolError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The status that the specification gives to this.
  public let status: Status
  /// The byte offset in the body, or the index of the item, that this is about.
  public let detail: Int
  /// What is wrong, for people.
  public let message: String
  /// After how long the same may succeed, in microseconds; nil where that is not known.
  public let retryMicroseconds: UInt32?

  public init(_ status: Status, _ message: String, detail: Int = 0, retryMicroseconds: UInt32? = nil) {
    self.status = status
    self.detail = detail
    self.message = message
    self.retryMicroseconds = retryMicroseconds
  }

  public var description: String { "\(status.name): \(message)" }
}
