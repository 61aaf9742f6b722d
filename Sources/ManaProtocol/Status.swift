/// The outcome of an item, a request or a connection. Codes and precedence are those of `Protocol/PROTOCOL.md`
/// section 9: below 256 for items, from 256 for requests, from 512 for connections.
public enum Status: UInt16, CaseIterable, Sendable {
  case ok = 0

  // Items, in the order in which they are checked.
  case unknownType = 1
  case typeMismatch = 2
  case unknownOperation = 3
  case operationMismatch = 4
  case reservedFlag = 5
  case idMissing = 6
  case accountMissing = 7
  case relatedMissing = 8
  case relatedNotAllowed = 9
  case settlementTimeoutOutOfRange = 10
  case amountZero = 11
  case amountNotAllowed = 12
  case amountTooLarge = 13
  case textInvalid = 14
  case idConflict = 15
  case voided = 16
  case accountUnknown = 17
  case originalUnknown = 18
  case originalNotSpend = 19
  case settlementNotExpected = 20
  case alreadySettled = 21
  case alreadyRefunded = 22
  case settlementTimedOut = 23
  case usedExceedsAmount = 24
  case nothingToRefund = 25
  case refundExceedsOriginal = 26
  case insufficientBalance = 27
  case balanceOverflow = 28
  case accountFull = 29
  case notApplied = 30
  case transactionUnknown = 31

  // Requests.
  case bodyChecksumMismatch = 257
  case reservedBits = 258
  case unknownOpcode = 259
  case malformedBody = 260
  case emptyBatch = 261
  case batchTooLarge = 262
  case atomicAccountsDiffer = 263
  case invalidFilter = 264
  case deadlineExceeded = 265
  case overloaded = 266
  case diskFull = 267
  case shuttingDown = 268

  // Connections.
  case prefaceMismatch = 513
  case headerChecksumMismatch = 514
  case unsupportedVersion = 515
  case malformedHeader = 516
  case frameTooLarge = 517
  case helloExpected = 518
  case malformedHello = 519
  case wrongLedger = 520
  case criticalExtensionUnknown = 521
  case tooManyConnections = 522
  case handshakeTimeout = 523
  case unexpectedHello = 524

  /// The status's name as the specification, JSON and messages spell it.
  public var name: String { String(describing: self) }

  /// Whether the same request may succeed later without anything being changed in it.
  public var isRetryable: Bool {
    switch self {
    case .overloaded, .diskFull, .shuttingDown, .tooManyConnections: true
    default: false
    }
  }
}

/// Names the first field in which a transaction differs from the one that has its id. The raw value is its code in a
/// result.
public enum ConflictField: UInt8, CaseIterable, Sendable {
  case type = 1
  case operation = 2
  case amount = 3
  case quantity = 4
  case related = 5
  case flags = 6
  case reference = 7
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

  public init(_ status: Status, _ message: String, detail: Int = 0) {
    self.status = status
    self.detail = detail
    self.message = message
  }

  public var description: String { "\(status.name): \(message)" }
}
